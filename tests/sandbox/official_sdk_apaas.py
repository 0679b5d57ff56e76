"""Works in a workspace of the sandbox through the official SDK and writes what it understood, as JSON.

Arguments: platform URL, a user access token.
"""

# ruff: noqa: TID253 - nothing imports this program; it exists to run the SDK.

import json
import sys

import lark_oapi as lark
from lark_oapi.api.apaas.v1 import (
    ListAppRequest,
    RecordsDeleteWorkspaceTableRequest,
    RecordsGetWorkspaceTableRequest,
    RecordsPostWorkspaceTableRequest,
    RecordsPostWorkspaceTableRequestBody,
    SqlCommandsWorkspaceRequest,
    SqlCommandsWorkspaceRequestBody,
)

WORKSPACE = "workspace_demo01"


def main(url: str, token: str) -> None:
    client = lark.Client.builder().enable_set_token(True).domain(url).build()
    as_user = lark.RequestOption.builder().user_access_token(token).build()
    workspace, table = client.apaas.v1.workspace, client.apaas.v1.workspace_table
    read = (
        RecordsGetWorkspaceTableRequest.builder()
        .workspace_id(WORKSPACE)
        .table_name("student")
        .page_size(2)
        .select("name,age")
        .filter("age=gt.10")
        .order("age.desc")
        .build()
    )
    new = RecordsPostWorkspaceTableRequestBody.builder().records('[{"name":"Cy","age":20}]').build()
    post = (
        RecordsPostWorkspaceTableRequest.builder()
        .workspace_id(WORKSPACE)
        .table_name("student")
        .request_body(new)
        .build()
    )
    question = SqlCommandsWorkspaceRequestBody.builder().sql("SELECT count(*) AS n FROM student").build()
    sql = SqlCommandsWorkspaceRequest.builder().workspace_id(WORKSPACE).request_body(question).build()
    delete = (
        RecordsDeleteWorkspaceTableRequest.builder()
        .workspace_id(WORKSPACE)
        .table_name("student")
        .filter("name=eq.Cy")
        .build()
    )
    before = table.records_get(read, as_user)
    posted = table.records_post(post, as_user)
    counted = workspace.sql_commands(sql, as_user)
    deleted = table.records_delete(delete, as_user)
    apps = client.apaas.v1.app.list(ListAppRequest.builder().page_size(10).build(), as_user)
    sys.stdout.write(
        json.dumps(
            {
                "codes": [answer.code for answer in (before, posted, counted, deleted, apps)],
                "rows": json.loads(before.data.items),
                "total": before.data.total,
                "has_more": before.data.has_more,
                "ids": len(posted.data.record_ids),
                "counted": json.loads(counted.data.result),
                "apps": [app.namespace for app in apps.data.items],
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

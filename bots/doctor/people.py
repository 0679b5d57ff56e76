"""Whether the platform says who people are: where it does not, pages show ids and initials."""

from typing import Final
from urllib.parse import urlsplit

from django.db.models import Count, Q

from bots.doctor.findings import Check, Finding
from bots.enums import CheckResult
from bots.models import Bot, PeopleLookup, Person, PersonPicture
from feishu.categories import Category
from feishu.codes import explain
from feishu.text import Text

SCOPES: Final = ("contact:contact.base:readonly", "contact:user.base:readonly")
"""By the first the app may ask, by the second names come with the answer (page "Obtain user list")."""
IN_A_ROW: Final = 3
"""Look-ups that fail before somebody is told; these take some six minutes, and the next one may do."""
LOOKED_AT: Final = 200
"""People of a bot whose pictures are counted."""


def people(bot: Bot) -> Finding:
    """How the latest look-up of names went, and whether pictures come; by what is stored, in three queries at most."""
    lookup = PeopleLookup.objects.filter(pk=bot.pk, failures__gt=0).first()
    if lookup is not None:
        info = explain(lookup.code, lookup.reason)
        if info.category is Category.PERMISSION:
            return _not_allowed(lookup.code)
        if lookup.failures >= IN_A_ROW:
            words = Text(
                f"连续 {lookup.failures} 次未能查询姓名：{info.cause.zh_cn}",
                f"{lookup.failures} look-ups of names in a row have failed: {info.cause.en_us}",
            )
            return Finding(Check.PEOPLE, CheckResult.WARNING, words, info.cure, code=lookup.code)
    return _pictures(bot)


def _not_allowed(code: int | None) -> Finding:
    listed = " ".join(SCOPES)
    return Finding(
        Check.PEOPLE,
        CheckResult.UNKNOWN,
        Text(
            "应用没有读取通讯录的权限：页面上以 open_id 代替未知的姓名",
            "The app may not read contacts: pages show the open_id where a name is not known",
        ),
        Text(
            f"在“权限管理”中为应用身份开通 {listed} 并发布版本",
            f"Enable {listed} for the app's identity under “Permissions & Scopes” and publish a version",
        ),
        code=code,
        value=listed,
    )


def _pictures(bot: Bot) -> Finding:
    """One that is missing at the platform is no fault; none that comes is one."""
    some = Person.objects.filter(bot=bot).order_by("open_id").values("pk")[:LOOKED_AT]
    pictures = PersonPicture.objects.filter(person__in=some).defer("content")
    failing = Q(failures__gt=0)
    counts = pictures.aggregate(failed=Count("pk", filter=failing), kept=Count("pk", filter=~Q(digest="")))
    if not counts["failed"] or counts["kept"]:
        words = Text("姓名与头像均可获取", "Names and pictures can be had")
        return Finding(Check.PEOPLE, CheckResult.OK, words)
    host = urlsplit(pictures.filter(failing).values_list("url", flat=True)[0]).hostname or ""
    return Finding(
        Check.PEOPLE,
        CheckResult.UNKNOWN,
        Text(
            f"无法从 {host} 获取头像：页面上以姓名首字代替",
            f"No picture could be fetched from {host}: pages show initials instead",
        ),
        Text(
            "让门户能够访问该主机（防火墙、代理、FEISHU_PLATFORM_NETWORKS）；日志 picture_not_fetched 记录了原因",
            "Let the portal reach that host (firewall, proxy, FEISHU_PLATFORM_NETWORKS); the log says why in picture_not_fetched",
        ),
    )

"""A bot that shows what the links of a shop lead to. 链接预览机器人。"""

from events import link_preview, on
from feishu.cards import card, header, markdown
from feishu.text import Text

ORDERS = "https://shop.example.com/orders/"


@on("url.preview.get", name="examples.preview")
def preview(event, bot):
    url = event.data["context"]["url"]
    if not url.startswith(ORDERS):
        return None  # the link stays as it is
    number = url.removeprefix(ORDERS)
    title = Text(f"订单 {number}", f"Order {number}")
    status = markdown(Text("已付款，**待发货**", "Paid, **to be sent**"))
    return link_preview(title, card=card(header(title), [status]))

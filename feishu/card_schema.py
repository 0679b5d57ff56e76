"""Which components and attributes card JSON 2.0 knows, as the pages "Card JSON 2.0 components" list them.

Everything else is an error in 2.0; in 1.0 unknown attributes are ignored, so there is no such list for it.
"""

from typing import Final, get_args

from feishu.cards import ButtonStyle, Template

LANGUAGES: Final = frozenset(
    [
        "zh_cn",
        "en_us",
        "zh_hk",
        "zh_tw",
        "ja_jp",
        "id_id",
        "vi_vn",
        "th_th",
        "pt_br",
        "es_es",
        "ko_kr",
        "de_de",
        "fr_fr",
        "it_it",
        "ru_ru",
        "ms_my",
    ]
)
TEMPLATES: Final = frozenset(get_args(Template))
BUTTON_TYPES: Final = frozenset(get_args(ButtonStyle))

CARD: Final = frozenset({"schema", "config", "card_link", "header", "body"})
CONFIG: Final = frozenset(
    [
        "streaming_mode",
        "streaming_config",
        "summary",
        "locales",
        "enable_forward",
        "update_multi",
        "width_mode",
        "use_custom_translation",
        "enable_forward_interaction",
        "style",
    ]
)
HEADER: Final = frozenset(
    ["title", "subtitle", "text_tag_list", "i18n_text_tag_list", "template", "icon", "ud_icon", "padding"]
)
BODY: Final = frozenset(
    [
        "direction",
        "padding",
        "horizontal_spacing",
        "horizontal_align",
        "vertical_spacing",
        "vertical_align",
        "elements",
    ]
)

_EVERYWHERE = "tag element_id margin"
_LAYOUT = "direction padding horizontal_spacing horizontal_align vertical_spacing vertical_align"
_TEXT = "tag content i18n_content text_size text_color text_align lines"
_INPUTS = "name required disabled disabled_tips width behaviors confirm value"


def _attributes(words: str) -> frozenset[str]:
    return frozenset(f"{_EVERYWHERE} {words}".split())


COMPONENTS: Final[dict[str, frozenset[str]]] = {
    "plain_text": _attributes(_TEXT),
    "lark_md": _attributes(_TEXT),
    "markdown": _attributes("content i18n_content text_align text_size icon href"),
    "div": _attributes("text icon width"),
    "hr": _attributes(""),
    "img": _attributes(
        "img_key i18n_img_key alt title corner_radius scale_type size transparent preview custom_width"
        " compact_width mode behaviors"
    ),
    "img_combination": _attributes("combination_mode combination_transparent corner_radius img_list"),
    "person": _attributes("size user_id show_avatar show_name style"),
    "person_list": _attributes("drop_invalid_user_id lines show_name show_avatar size persons icon ud_icon"),
    "chart": _attributes("aspect_ratio color_theme chart_spec preview height"),
    "table": _attributes("page_size row_height row_max_height freeze_first_column header_style columns rows"),
    "audio": _attributes(
        "file_key i18n_file_key audio_id disabled disabled_tips show_progress_bar show_time time_display"
        " time_position border style padding background_style fill_color width fallback"
    ),
    "text_tag": _attributes("text color"),
    "standard_icon": _attributes("token color size"),
    "custom_icon": _attributes("img_key size"),
    "column_set": _attributes(
        "flex_mode background_style horizontal_spacing horizontal_align columns action behaviors"
    ),
    "column": _attributes(f"{_LAYOUT} background_style width weight elements action behaviors"),
    "form": _attributes(f"{_LAYOUT} name elements confirm"),
    "interactive_container": _attributes(
        f"{_LAYOUT} width height background_style has_border border_color corner_radius behaviors disabled"
        " disabled_tips confirm hover_tips elements"
    ),
    "collapsible_panel": _attributes(f"{_LAYOUT} expanded background_color header border elements"),
    "button": _attributes(
        "type size width text icon hover_tips disabled disabled_tips confirm behaviors name required"
        " form_action_type"
    ),
    "input": _attributes(
        f"{_INPUTS} placeholder default_value max_length input_type rows auto_resize max_rows show_icon label"
        " label_position"
    ),
    "overflow": _attributes("width options behaviors confirm name"),
    "select_static": _attributes(f"{_INPUTS} type placeholder options initial_option initial_index"),
    "multi_select_static": _attributes(f"{_INPUTS} type placeholder options selected_values"),
    "select_person": _attributes(f"{_INPUTS} type placeholder options initial_option"),
    "multi_select_person": _attributes(f"{_INPUTS} type placeholder options selected_values"),
    "date_picker": _attributes(f"{_INPUTS} placeholder initial_date"),
    "picker_time": _attributes(f"{_INPUTS} placeholder initial_time"),
    "picker_datetime": _attributes(f"{_INPUTS} placeholder initial_datetime"),
    "select_img": _attributes(f"{_INPUTS} multi_select layout can_preview aspect_ratio options"),
    "checker": _attributes(
        "name checked text overall_checkable button_area checked_style padding confirm behaviors hover_tips"
        " disabled disabled_tips"
    ),
}

BEHAVIORS: Final[dict[str, frozenset[str]]] = {
    "open_url": frozenset({"type", "default_url", "pc_url", "ios_url", "android_url"}),
    "callback": frozenset({"type", "value"}),
    "form_action": frozenset({"type", "behavior"}),
}

TEXT_FIELDS: Final = frozenset(
    {"text", "placeholder", "hover_tips", "disabled_tips", "label", "alt", "title"}
)
"""Attributes whose value is a text object; `title` of a table's column and the like never get here."""

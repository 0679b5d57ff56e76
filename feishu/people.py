"""What the platform says of a person: the `user` of contact answers and events, and the answer of user_info; and of a
department."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from feishu.oauth import UserInfo
from feishu.values import mapping_of, text_of


@dataclass(frozen=True, slots=True)
class Profile:
    """A person as one app sees them. What the app may not read is empty."""

    open_id: str
    union_id: str = ""
    name: str = ""
    en_name: str = ""
    email: str = ""
    avatar_url: str = ""
    """A small picture, of 72 pixels where the platform names several."""

    @classmethod
    def of_user(cls, user: Mapping[str, Any]) -> Self:
        """From the `user` object of contact v3 (page "Obtain single user information")."""
        pictures = mapping_of(user.get("avatar"))
        return cls(
            open_id=text_of(user.get("open_id")),
            union_id=text_of(user.get("union_id")),
            name=text_of(user.get("name")),
            en_name=text_of(user.get("en_name")),
            email=text_of(user.get("enterprise_email")) or text_of(user.get("email")),
            avatar_url=text_of(pictures.get("avatar_72")) or text_of(pictures.get("avatar_240")),
        )

    @classmethod
    def of_user_info(cls, who: UserInfo) -> Self:
        """From the answer of user_info."""
        return cls(who.open_id, who.union_id, who.name, who.en_name, who.email, who.avatar_url)


@dataclass(frozen=True, slots=True)
class Department:
    """A department as the app sees it. `names`: in every language that the platform has one in."""

    open_department_id: str
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, department: Mapping[str, Any]) -> Self:
        """From the `department` object of contact v3 (page "Obtain sub-departments")."""
        names = department.get("i18n_name")
        others = names.values() if isinstance(names, Mapping) else ()
        said = [text_of(name) for name in (department.get("name"), *others)]
        return cls(
            text_of(department.get("open_department_id")), tuple(dict.fromkeys(name for name in said if name))
        )

from feishu.event_names import name_of


def test_known_type_has_a_name_in_both_languages():
    name = name_of("im.message.receive_v1")
    assert name is not None
    assert (name.zh_cn, name.en_us) == ("接收消息", "Message received")


def test_other_type_has_none():
    assert name_of("somebody.elses_v1") is None

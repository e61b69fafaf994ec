"""Channels and their directory."""

from waha import models

from cases.waha_py import case
from harness import model
from world import until


def channel(world, name):
    return model(models.Channel, world.waha.channels.create(world.session, {"name": name, "description": "d"}))


def known(world, role=None):
    params = {"role": role} if role else None
    return {one.id: one for one in model(models.Channel, world.waha.channels.list(world.session, params=params))}


def foreign(world, id, name, messages=()):
    """A channel of somebody else."""
    value = {
        "id": id, "name": name, "description": "de outros", "invite": f"Convite{id[-15:-11]}", "subscribers": 7,
        "verified": False, "messages": list(messages),
    }  # fmt: skip
    world.phone.post("/phone/records/channel", id=id, value=value)
    return id


@case("channels.create")
def _(world):
    made = channel(world, "Notícias da casa")
    assert made.role == models.Role.OWNER and known(world)[made.id].name == "Notícias da casa"


@case("channels.list")
def _(world):
    made = channel(world, "Mais notícias")
    assert made.id in known(world, "OWNER")


@case("channels.get")
def _(world):
    made = channel(world, "Só esta")
    assert model(models.Channel, world.waha.channels.get(world.session, made.id)).name == "Só esta"


@case("channels.delete")
def _(world):
    made = channel(world, "A apagar")
    world.waha.channels.delete(world.session, made.id)
    until("the channel is gone", lambda: made.id not in known(world))


@case("channels.follow")
def _(world):
    id = foreign(world, "120363100000000001@newsletter", "De fora")
    world.waha.channels.follow(world.session, id)
    until("we follow it", lambda: id in known(world, "SUBSCRIBER"))


@case("channels.unfollow")
def _(world):
    id = foreign(world, "120363100000000002@newsletter", "De fora 2")
    world.waha.channels.follow(world.session, id)
    until("we follow it", lambda: id in known(world, "SUBSCRIBER"))
    world.waha.channels.unfollow(world.session, id)
    until("we follow it no longer", lambda: id not in known(world, "SUBSCRIBER"))


def muted(world, id):
    return world.phone.records("channel")[id].get("muted_by")


@case("channels.mute")
def _(world):
    made = channel(world, "Em silêncio")
    world.waha.channels.mute(world.session, made.id)
    until("the phone knows", lambda: muted(world, made.id))


@case("channels.unmute")
def _(world):
    made = channel(world, "Sem silêncio")
    world.waha.channels.mute(world.session, made.id)
    until("the phone knows", lambda: muted(world, made.id))
    world.waha.channels.unmute(world.session, made.id)
    until("the phone knows again", lambda: not muted(world, made.id))


@case("channels.preview_channel_messages")
def _(world):
    written = {"id": "M1", "body": "bom dia a todos", "t": 1_700_000_000, "views": 3, "reactions": {}}
    id = foreign(world, "120363100000000005@newsletter", "Com mensagens", [written])
    found = world.waha.channels.preview_channel_messages(world.session, id, params={"limit": 5})
    assert [one.message.body for one in model(models.ChannelMessage, found)] == ["bom dia a todos"]


@case("channels.search_by_view")
def _(world):
    id = foreign(world, "120363100000000003@newsletter", "No catálogo")
    wish = {"view": "RECOMMENDED", "countries": ["BR"], "categories": [], "limit": 50, "startCursor": ""}
    found = model(models.ChannelListResult, world.waha.channels.search_by_view(world.session, wish))
    assert id in {one.id for one in found.channels}


@case("channels.search_by_text")
def _(world):
    id = foreign(world, "120363100000000004@newsletter", "Jardinagem")
    wish = {"text": "Jardinagem", "categories": [], "limit": 50, "startCursor": ""}
    found = model(models.ChannelListResult, world.waha.channels.search_by_text(world.session, wish))
    assert id in {one.id for one in found.channels}


@case("channels.get_search_views")
def _(world):
    found = model(models.ChannelView, world.waha.channels.get_search_views(world.session))
    assert "RECOMMENDED" in {one.value for one in found}


@case("channels.get_search_categories")
def _(world):
    assert model(models.ChannelCategory, world.waha.channels.get_search_categories(world.session))[0].value

"""The settings page: which language model is asked, what it gets to see, and that its key is never shown."""

from __future__ import annotations

import json
import socket
import stat
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from app.core.llm import Usage
from app.main import create_app
from app.practice import now
from app.settings import Settings
from tests.graders import WordGrader
from tests.llm_behaviours import bad_key, error_500, not_found
from tests.llm_server import LLMServer
from tests.web import test_pages
from tests.web.helpers import OVERFITTING, Node, answer, begin, parts, read
from tests.web.test_delete import files_with

KEY = "sk-quagga-9321"
OTHER_KEY = "sk-okapi-1111"
ADDRESS = "https://models.example/v1"
HERE = "http://localhost:11434/v1"
STAYS = "Your answers stay on this computer."


@pytest.fixture
def server() -> Iterator[LLMServer]:
    opened = LLMServer()
    yield opened
    opened.stop()


def save(client: TestClient, *, on: bool = True, **form: str) -> Any:
    """The response to the form with a server, a model and a key, except where `form` says otherwise."""
    fields = {"base_url": ADDRESS, "model": "some-model", "api_key": KEY, **form}
    return client.post("/settings", data={"grader": "both" if on else "offline", **fields})


def page(client: TestClient) -> Node:
    response = client.get("/settings")
    assert response.status_code == 200
    return read(response.text)


def kept(settings: Settings) -> dict[str, Any]:
    return json.loads(settings.llm_path.read_text("utf-8"))


def chosen(shown: Node) -> str:
    (value,) = (one.attrs["value"] for one in shown.all("input", type="radio") if "checked" in one.attrs)
    return value


def told(response: Any) -> str:
    return read(response.text).one(role="status").text


def problem(response: Any) -> str:
    return read(response.text).one(role="alert").text


def served(settings: Settings, **changes: Any) -> TestClient:
    """A server on the same data whose environment says more."""
    return TestClient(create_app(settings.model_copy(update=changes), WordGrader()))


# What is shown.


def test_nothing_is_on_before_somebody_switches_it_on(client: TestClient, settings: Settings) -> None:
    shown = page(client)
    assert chosen(shown) == "offline"
    assert {one.attrs["value"] for one in shown.all("input", type="text")} == {""}
    assert "value" not in shown.one("input", type="password").attrs
    assert "No key is kept." in shown.text
    assert "None is named yet." in shown.text
    assert not shown.all(role="status")
    assert not shown.all(role="alert")
    assert not settings.llm_path.exists()
    assert shown.one("nav", aria_label="Main").one("a", aria_current="page").text == "Settings"


def test_it_says_what_is_sent_before_anything_can_be_switched_on(client: TestClient) -> None:
    text = page(client).text
    assert text.index("What is sent, and where") < text.index("Test the connection")
    for said in (
        "Your other rounds; your drafts",
        "its rubric, and all that you said to it",
        "deleted with their round",
    ):
        assert said in text
    for address in ("11434", "1234", "8080", "8000", "https://api.openai.com/v1"):
        assert address in text


def test_it_names_where_answers_go(client: TestClient) -> None:
    save(client)
    assert "To models.example, under that server’s terms." in page(client).text
    save(client, base_url=HERE)
    assert "To localhost:11434, on this computer: nothing leaves this computer" in page(client).text


@pytest.mark.parametrize(
    "state", ["off", "on", "refused", "held on", "environment", "tested", "prices", "no budget", "can't be read"]
)
def test_each_of_its_states_is_a_page_as_all_others(settings: Settings, state: str) -> None:
    named = {"llm_base_url": ADDRESS, "llm_model": "m", "llm_api_key": SecretStr(KEY)}
    changes: dict[str, Any] = {
        "held on": {"grader": "llm"},
        "environment": {**named, "grader": "llm"},
        "prices": {**named, "llm_price_in": 1.0},
        "no budget": {**named, "llm_daily_tokens": 0},
    }
    if state == "can't be read":
        settings.llm_path.write_text("{")
    with served(settings, **changes.get(state, {})) as client:
        response = {
            "on": lambda: save(client),
            "refused": lambda: save(client, base_url="no address"),
            "tested": lambda: client.post("/settings/test"),
        }.get(state, lambda: client.get("/settings"))()
    pages = {state: ("/settings", read(response.text))}
    test_pages.test_a_page_has_one_heading_a_title_and_a_language(pages, state)
    test_pages.test_a_page_has_no_inline_script_or_style(pages, state)
    test_pages.test_ids_are_unique_and_whatever_points_at_one_finds_it(pages, state)
    test_pages.test_every_control_has_a_label(pages, state)
    test_pages.test_nothing_is_loaded_from_elsewhere(pages)


# Saving.


def test_saving_keeps_the_choice_in_a_file_that_only_its_user_can_read(client: TestClient, settings: Settings) -> None:
    response = save(client)
    assert response.status_code == 200
    assert told(response) == "Saved. On: answers of rounds from now on go to models.example."
    assert kept(settings) == {"on": True, "base_url": ADDRESS, "model": "some-model", "api_key": KEY}
    assert stat.S_IMODE(settings.llm_path.stat().st_mode) == 0o600
    shown = page(client)
    assert chosen(shown) == "both"
    assert shown.one(id="base-url").attrs["value"] == ADDRESS
    assert shown.one(id="model").attrs["value"] == "some-model"


def test_it_can_be_switched_off_again_and_keeps_the_server(client: TestClient, settings: Settings) -> None:
    save(client)
    assert told(save(client, on=False, api_key="")) == "Saved. Off: the grader on this computer judges alone."
    assert chosen(page(client)) == "offline"
    assert kept(settings) == {"on": False, "base_url": ADDRESS, "model": "some-model", "api_key": KEY}


def test_a_form_without_a_choice_of_grader_switches_nothing_on(client: TestClient) -> None:
    client.post("/settings", data={"base_url": ADDRESS, "model": "some-model"})
    assert chosen(page(client)) == "offline"


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"base_url": "localhost:11434"}, "must be an address such as http://localhost:11434/v1"),
        ({"base_url": "ftp://models.example"}, "must be an address such as http://localhost:11434/v1"),
        ({"base_url": "http://me:word@models.example/v1"}, "the key has a field of its own"),
        ({"base_url": ""}, "the address"),
        ({"model": " "}, "the model"),
        ({"base_url": "", "model": ""}, "Name the server's address and a model"),
    ],
)
def test_a_choice_that_fits_not_is_refused_with_what_to_do(
    client: TestClient, settings: Settings, form: dict[str, str], said: str
) -> None:
    response = save(client, **form)
    assert response.status_code == 422
    assert said in problem(response)
    shown = read(response.text)
    assert chosen(shown) == "both", "what was chosen and typed stays"
    typed = {"base_url": ADDRESS, "model": "some-model", **form}
    assert shown.one(id="base-url").attrs["value"] == typed["base_url"]
    assert shown.one(id="model").attrs["value"] == typed["model"]
    assert KEY not in response.text
    assert not settings.llm_path.exists()
    assert chosen(page(client)) == "offline"


def test_an_unknown_grader_is_refused(client: TestClient, settings: Settings) -> None:
    response = client.post("/settings", data={"grader": "all", "base_url": ADDRESS, "model": "m", "api_key": KEY})
    assert response.status_code == 422
    assert KEY not in response.text
    assert not settings.llm_path.exists()


def test_what_was_typed_is_escaped(client: TestClient) -> None:
    hostile = '"><script>alert(1)</script>'
    refused = save(client, base_url=hostile, model=hostile)
    saved = save(client, model=hostile, base_url=f"http://<b>{hostile}/v1")
    for response in (refused, saved, client.get("/settings"), client.get("/"), client.get("/rounds")):
        assert "<script>alert" not in response.text
        assert "<b>" not in response.text
    assert read(refused.text).one(id="model").attrs["value"] == hostile


def test_another_site_can_change_nothing(client: TestClient, settings: Settings) -> None:
    save(client, on=False)
    before = kept(settings)
    fields = {"grader": "both", "base_url": "https://evil.example/v1", "model": "m"}
    for address in ("/settings", "/settings/test", "/settings/forget-key"):
        for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
            assert client.post(address, data=fields, headers=headers).status_code == 403
    assert kept(settings) == before


def test_a_file_that_cannot_be_read_breaks_no_page(client: TestClient, settings: Settings) -> None:
    settings.llm_path.write_text("{")
    response = client.get("/settings")
    assert response.status_code == 200
    assert "can't be read. Mend it, or delete it" in problem(response)
    for refused in (save(client), client.post("/settings/test"), client.post("/settings/forget-key")):
        assert refused.status_code == 422
        assert "can't be read" in problem(refused)
    start = client.get("/")
    assert start.status_code == 200
    assert STAYS in start.text, "nothing is asked then"


# The key.


def test_the_key_is_in_that_file_and_nowhere_else(client: TestClient, settings: Settings) -> None:
    round_id = begin(client, OVERFITTING)
    answer(client, round_id, 0, "ALL")
    save(client, on=False)
    parts(client).store.book.add_llm_call("some-model", Usage(prompt_tokens=1, reply_tokens=1, calls=1), now())
    assert files_with(settings.data_dir, KEY) == [settings.llm_path.name]
    addresses = ("/", "/settings", "/rounds", "/questions", "/how-it-works", f"/rounds/{round_id}", "/none", "/status")
    responses = [client.get(address) for address in addresses]
    responses += [
        save(client, on=False),
        save(client, base_url="no address"),
        save(client, model=""),
        client.post("/settings", data={"grader": "wrong", "api_key": KEY}),
        client.post("/settings", files={"api_key": ("key.txt", KEY)}),
        client.put("/settings", data={"api_key": KEY}),
    ]
    for response in responses:
        assert KEY not in response.text
        assert KEY not in repr(response.headers)


def test_an_empty_key_leaves_the_kept_one_for_the_same_address(client: TestClient, settings: Settings) -> None:
    save(client)
    assert "A key is kept for this address; leave empty to keep it." in page(client).one(id="key-hint").text
    save(client, api_key="", model="another-model", base_url=f"{ADDRESS}/")
    assert kept(settings)["api_key"] == KEY
    assert kept(settings)["model"] == "another-model"
    save(client, api_key=OTHER_KEY)
    assert kept(settings)["api_key"] == OTHER_KEY


def test_a_key_never_follows_another_address(client: TestClient, settings: Settings) -> None:
    save(client)
    refused = save(client, base_url="no address", api_key="")
    assert f"A key is kept for {ADDRESS} alone" in read(refused.text).one(id="key-hint").text
    save(client, base_url="https://elsewhere.example/v1", api_key="")
    assert "api_key" not in kept(settings)
    assert "No key is kept." in page(client).text
    assert files_with(settings.data_dir, KEY) == []


def test_a_key_without_an_address_is_not_kept_and_the_page_says_so(client: TestClient, settings: Settings) -> None:
    response = save(client, on=False, base_url="", model="")
    assert "The key was not kept" in told(response)
    assert files_with(settings.data_dir, KEY) == []


def test_the_key_can_be_forgotten(client: TestClient, settings: Settings) -> None:
    save(client)
    button = next(one for one in page(client).all("button") if one.text == "Forget the key")
    form = page(client).one("form", id=button.attrs["form"])
    response = client.request(form.attrs["method"], form.attrs["action"])
    assert told(response) == "No key is kept any more."
    assert kept(settings) == {"on": True, "base_url": ADDRESS, "model": "some-model"}
    assert files_with(settings.data_dir, KEY) == []
    assert "Forget the key" not in response.text
    assert client.post("/settings/forget-key").status_code == 200, "twice does no harm"


# What the environment says.


def test_a_server_named_in_the_environment_is_shown_and_stays(settings: Settings) -> None:
    with served(settings, llm_base_url=ADDRESS, llm_model="env-model", llm_api_key=SecretStr(KEY)) as client:
        shown = page(client)
        for said in (ADDRESS, "Set by GREENROOM_LLM_BASE_URL", "env-model", "A key is set"):
            assert said in shown.text
        assert not shown.all("input", type="text")
        assert not shown.all("input", type="password")
        assert chosen(shown) == "offline", "naming one switches nothing on"
        response = save(client, base_url="https://evil.example/v1", model="other", api_key=OTHER_KEY)
        assert told(response) == "Saved. On: answers of rounds from now on go to models.example."
        assert kept(settings) == {"on": True}
        assert "evil.example" not in response.text
        assert KEY not in response.text
        choice = parts(client).desk.choice()
        assert choice.connection is not None
        assert (choice.connection.base_url, choice.connection.model) == (ADDRESS, "env-model")


def test_where_the_environment_switches_it_on_the_page_says_so(settings: Settings) -> None:
    with served(settings, grader="llm") as client:
        shown = page(client)
        assert chosen(shown) == "both"
        assert all("disabled" in one.attrs for one in shown.all("input", type="radio"))
        assert "GREENROOM_GRADER=llm switches it on" in shown.text
        assert "none is asked until you name one" in told(save(client, on=False, base_url="", model="", api_key=""))
        assert "On: answers of rounds from now on go to models.example." in told(save(client, on=False))
        assert chosen(page(client)) == "both"
    with served(settings) as client:
        assert chosen(page(client)) == "offline", "only the environment had switched it on"


def test_a_server_in_the_environment_that_cannot_be_used_is_said(settings: Settings) -> None:
    with served(settings, llm_base_url=ADDRESS) as client:
        response = client.get("/settings")
        assert response.status_code == 200
        assert "the model" in problem(response)
        assert client.get("/").status_code == 200


# Testing the connection.


def test_the_test_asks_what_is_saved_and_sends_nothing_of_anybodys(client: TestClient, server: LLMServer) -> None:
    answer(client, begin(client, OVERFITTING), 0, "a secret answer")
    save(client, on=False, base_url=f"{server.address}/v1")
    response = client.post("/settings/test", data={"base_url": "http://elsewhere.example/v1", "api_key": OTHER_KEY})
    assert response.status_code == 200
    assert told(response).endswith("It works.")
    assert server.address.removeprefix("http://") in told(response)
    (sent,) = server.requests
    assert sent["model"] == "some-model"
    assert "a secret answer" not in json.dumps(sent)
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert chosen(read(response.text)) == "offline", "a test switches nothing on"


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (bad_key, "refuses the key"),
        (not_found, "knows no model 'some-model'"),
        (error_500, "answered with an error (500)"),
    ],
)
def test_a_test_that_fails_says_why(client: TestClient, server: LLMServer, behaviour: Any, said: str) -> None:
    save(client, base_url=f"{server.address}/v1")
    server.behave(behaviour)
    response = client.post("/settings/test")
    assert response.status_code == 200
    assert said in problem(response)
    assert not read(response.text).all(role="status")
    assert KEY not in response.text
    assert len(server.requests) == 1


def test_a_server_that_is_not_there_is_said_within_seconds(client: TestClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    save(client, base_url=f"http://127.0.0.1:{port}/v1")
    began = time.monotonic()
    response = client.post("/settings/test")
    assert time.monotonic() - began < 5
    assert response.status_code == 200
    assert "can't be reached. Is the server running?" in problem(response)


def test_there_is_nothing_to_test_before_a_server_is_named(client: TestClient) -> None:
    response = client.post("/settings/test")
    assert response.status_code == 200
    assert "Name the server's address and a model first" in problem(response)


# What it cost.


def used(client: TestClient, read_: int, written: int, ago: timedelta = timedelta(0)) -> None:
    usage = Usage(prompt_tokens=read_, reply_tokens=written, calls=1)
    parts(client).store.book.add_llm_call("some-model", usage, now() - ago)


def costs(client: TestClient) -> list[list[str]]:
    return [[cell.text for cell in row.all("td")] for row in page(client).one("table", class_="costs").all("tr")[1:]]


def test_it_shows_what_was_used_today_and_in_total(client: TestClient) -> None:
    save(client)
    assert costs(client) == [["0", "0", "0"], ["0", "0", "0"]]
    used(client, 12_000, 300)
    used(client, 1_000_000, 2000, ago=timedelta(days=2))
    assert costs(client) == [["1", "12,000", "300"], ["2", "1,012,000", "2,300"]]
    shown = page(client)
    assert "12,300 of 500,000 tokens today" in shown.text
    bar = shown.one("progress")
    assert (bar.attrs["value"], bar.attrs["max"]) == ("12300", "500000")
    assert "Prices are not set: GREENROOM_LLM_PRICE_IN and GREENROOM_LLM_PRICE_OUT" in shown.text


def test_it_shows_dollars_where_prices_are_set(settings: Settings) -> None:
    with served(settings, llm_price_in=2.5, llm_price_out=10.0) as client:
        save(client)
        used(client, 1000, 100)
        assert [row[-1] for row in costs(client)] == ["under 0.01", "under 0.01"]
        used(client, 1_000_000, 100_000, ago=timedelta(days=2))
        assert [row[-1] for row in costs(client)] == ["under 0.01", "3.50"]
        assert "Prices are not set" not in page(client).text


def test_a_budget_that_is_spent_fills_the_bar(settings: Settings) -> None:
    with served(settings, llm_daily_tokens=100) as client:
        save(client)
        used(client, 400, 20)
        shown = page(client)
        assert "420 of 100 tokens today" in shown.text
        assert shown.one("progress").attrs["value"] == "100"
        assert "The daily budget of 100 tokens is spent" in problem(client.post("/settings/test"))


# What the other pages say.

PAGES = ("/", "/questions", "/rounds", "/how-it-works", "/settings", "/none")


def test_the_start_page_names_the_host_while_it_is_on(client: TestClient) -> None:
    notice = "A second opinion comes from some-model"
    assert notice not in read(client.get("/").text).text
    save(client, on=False)
    assert notice not in read(client.get("/").text).text
    save(client)
    shown = read(client.get("/").text).one("main")
    assert f"{notice} at models.example: your answers are sent there. Settings" in shown.text
    assert shown.all("a", href="/settings")
    assert "On your computer, offline." not in shown.text
    save(client, base_url=HERE)
    shown = read(client.get("/").text).one("main")
    assert f"{notice} on this computer. Settings" in shown.text


@pytest.mark.parametrize("address", PAGES)
def test_the_footer_promises_only_what_is_true(client: TestClient, address: str) -> None:
    def footer() -> str:
        return read(client.get(address).text).one("footer").text

    assert STAYS in footer()
    save(client, on=False)
    assert STAYS in footer()
    save(client, base_url=HERE)
    assert STAYS in footer(), "that server is on this computer"
    save(client)
    assert STAYS not in footer()
    assert "kept on this computer and sent to models.example" in footer()


def test_a_page_that_is_refused_at_the_door_has_a_true_footer_too(client: TestClient) -> None:
    save(client)
    refused = client.post("/rounds", headers={"sec-fetch-site": "cross-site"})
    assert refused.status_code == 403
    assert "sent to models.example" in read(refused.text).one("footer").text


def test_a_server_that_others_reach_lets_nobody_change_where_answers_go(settings: Settings, grader: WordGrader) -> None:
    shared = settings.model_copy(update={"host": "0.0.0.0"})
    with TestClient(create_app(shared, grader)) as client:
        page = read(client.get("/settings").text)
        assert not page.all("input", name="base_url")
        assert all("disabled" in one.attrs for one in page.all("input", type="radio"))
        form = {"grader": "both", "base_url": "http://elsewhere.example/v1", "model": "m"}
        refused = client.post("/settings", data=form)
        assert refused.status_code == 422
        assert "GREENROOM_LLM_BASE_URL" in refused.text
        assert client.post("/settings/forget-key").status_code == 422
    assert not shared.llm_path.exists()

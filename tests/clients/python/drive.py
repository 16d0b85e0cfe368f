"""Plays a plan to one real Python client and says what it handed over or raised.

usage: drive.py CLIENT < plan.jsonl > said.jsonl

One item a line on stdin, one answer a line on stdout, in order. What a caller of the client would
read is read here with attribute access and nothing more: no repair, no retry.
"""

import asyncio
import importlib
import json
import os
import signal
import sys

TIMEOUT_S = float(os.environ.get("CLIENT_TIMEOUT_S", "2"))
# For a client that does not keep its own timeout.
GUARD_S = 20


class Overdue(BaseException):
    """A client that waits beyond any timeout of its own."""


def overdue(_signal, _frame):
    raise Overdue


def attr(value, name):
    return getattr(value, name, None)


def text_of(value):
    return value if isinstance(value, str) else None


def items(value):
    return value if isinstance(value, list) else []


def usage_of(usage):
    if usage is None or not hasattr(usage, "prompt_tokens"):
        return None
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    return {name: attr(usage, name) for name in names}


def reasoning_of(message):
    for name in ("reasoning_content", "reasoning"):
        if text_of(attr(message, name)) is not None:
            return attr(message, name)
    return None


def call_of(call):
    function = attr(call, "function")
    return {
        "id": text_of(attr(call, "id")),
        "name": text_of(attr(function, "name")),
        "arguments": attr(function, "arguments"),
    }


def completion(value):
    """What a caller reads from a completion."""
    answers = []
    for choice in items(attr(value, "choices")):
        message = attr(choice, "message")
        answers.append(
            {
                "text": text_of(attr(message, "content")),
                "reasoning": reasoning_of(message),
                "tool_calls": [call_of(call) for call in items(attr(message, "tool_calls"))],
                "finish_reason": text_of(attr(choice, "finish_reason")),
            }
        )
    return whole(answers, usage_of(attr(value, "usage")))


def whole(answers, usage):
    empty = {"text": None, "reasoning": None, "tool_calls": [], "finish_reason": None}
    first, *others = answers or [empty]
    return {**first, "usage": usage, "others": others}


class Joined:
    """The chunks of a stream, joined as the package's guide does."""

    def __init__(self):
        self.choices = {}
        self.usage = None

    def add(self, chunk):
        self.usage = usage_of(attr(chunk, "usage")) or self.usage
        for choice in items(attr(chunk, "choices")):
            if not hasattr(choice, "index"):
                continue
            fresh = {"text": None, "reasoning": None, "calls": {}, "finish_reason": None}
            kept = self.choices.setdefault(attr(choice, "index"), fresh)
            kept["finish_reason"] = text_of(attr(choice, "finish_reason")) or kept["finish_reason"]
            delta = attr(choice, "delta")
            for name, more in (
                ("text", text_of(attr(delta, "content"))),
                ("reasoning", reasoning_of(delta)),
            ):
                if more is not None:
                    kept[name] = (kept[name] or "") + more
            for fragment in items(attr(delta, "tool_calls")):
                if not hasattr(fragment, "index"):
                    continue
                fresh_call = {"id": None, "name": None, "arguments": None}
                call = kept["calls"].setdefault(attr(fragment, "index"), fresh_call)
                more = call_of(fragment)
                call["id"] = call["id"] if call["id"] is not None else more["id"]
                call["name"] = call["name"] if call["name"] is not None else more["name"]
                if isinstance(more["arguments"], str) and isinstance(call["arguments"], str):
                    call["arguments"] += more["arguments"]
                elif more["arguments"] is not None:
                    call["arguments"] = more["arguments"]

    def answer(self):
        keys = sorted(self.choices, key=lambda key: key != 0)
        answers = []
        for kept in (self.choices[key] for key in keys):
            answer = {key: value for key, value in kept.items() if key != "calls"}
            answers.append({**answer, "tool_calls": list(kept["calls"].values())})
        return whole(answers, self.usage)


class Client:
    """One client surface: `ask` returns an answer, or raises after `self.partly` was kept."""

    # What `ask` imports. On a busy machine this takes longer than an item may.
    modules = ("openai",)

    def __init__(self):
        self.partly = None

    def ask(self, item):
        raise NotImplementedError


class OpenAi(Client):
    shared = None

    def client(self, item):
        import httpx2
        import openai

        if OpenAi.shared is None:
            # A connection for each item, so that one answer cannot spoil the next.
            http = openai.DefaultHttpx2Client(
                limits=httpx2.Limits(max_keepalive_connections=0), timeout=TIMEOUT_S
            )
            OpenAi.shared = openai.OpenAI(
                api_key=item["api_key"],
                base_url=item["base_url"],
                max_retries=0,
                timeout=TIMEOUT_S,
                http_client=http,
            )
        return OpenAi.shared.with_options(base_url=item["base_url"])

    def ask(self, item):
        completions = self.client(item).chat.completions
        if not item["body"].get("stream"):
            return completion(completions.create(**item["body"]))
        joined = self.partly = Joined()
        for chunk in completions.create(**item["body"]):
            joined.add(chunk)
        return joined.answer()


class OpenAiStream(OpenAi):
    def ask(self, item):
        body = {key: value for key, value in item["body"].items() if key != "stream"}
        with self.client(item).chat.completions.stream(**body) as stream:
            return completion(stream.get_final_completion())


class Events:
    """The events of a response, joined as the package's guide does."""

    def __init__(self):
        self.text = None
        self.calls = {}
        self.status = None
        self.usage = None

    def add(self, event):
        kind = attr(event, "type")
        index = json.dumps(attr(event, "output_index"), default=str)
        if kind == "response.output_text.delta":
            if text_of(attr(event, "delta")) is not None:
                self.text = (self.text or "") + event.delta
        elif kind == "response.output_item.added":
            item = attr(event, "item")
            if attr(item, "type") == "function_call":
                self.calls.pop(index, None)
                self.calls[index] = response_call(item)
        elif kind == "response.function_call_arguments.delta":
            call, more = self.calls.get(index), text_of(attr(event, "delta"))
            if call is not None and more is not None:
                known = call["arguments"]
                call["arguments"] = known + more if isinstance(known, str) else more
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            response = attr(event, "response")
            if response is not None:
                self.status = text_of(attr(response, "status"))
                self.usage = response_usage(attr(response, "usage"))
        elif kind == "error":
            self.status = "error"

    def answer(self):
        answer = {"text": self.text, "reasoning": None, "finish_reason": self.status}
        return whole([{**answer, "tool_calls": list(self.calls.values())}], self.usage)


def response_call(item):
    return {
        "id": text_of(attr(item, "call_id")),
        "name": text_of(attr(item, "name")),
        "arguments": attr(item, "arguments"),
    }


def response_usage(usage):
    if usage is None or not hasattr(usage, "input_tokens"):
        return None
    names = ("input_tokens", "output_tokens", "total_tokens")
    chats = ("prompt_tokens", "completion_tokens", "total_tokens")
    return {chat: attr(usage, name) for chat, name in zip(chats, names)}


class OpenAiResponses(OpenAi):
    def ask(self, item):
        said = self.client(item).responses.create(**item["body"])
        if item["body"].get("stream"):
            events = self.partly = Events()
            for event in said:
                events.add(event)
            return events.answer()
        output = items(attr(said, "output"))
        calls = [response_call(one) for one in output if attr(one, "type") == "function_call"]
        answer = {
            # No attribute of the wire but a property of the package: it may raise.
            "text": said.output_text,
            "reasoning": None,
            "tool_calls": calls,
            "finish_reason": text_of(attr(said, "status")),
        }
        return whole([answer], response_usage(attr(said, "usage")))


class LangChain(Client):
    modules = ("langchain_openai",)

    def answer(self, message):
        if message is None:
            return whole([], None)
        usage = message.usage_metadata if hasattr(message, "usage_metadata") else None
        calls = [
            {"id": call.get("id"), "name": call.get("name"), "arguments": call.get("args")}
            for call in getattr(message, "tool_calls", [])
        ]
        answer = {
            "text": str(message.text),
            "reasoning": text_of(message.additional_kwargs.get("reasoning_content")),
            "tool_calls": calls,
            "finish_reason": text_of(message.response_metadata.get("finish_reason")),
        }
        usage = usage and {
            "prompt_tokens": usage.get("input_tokens"),
            "completion_tokens": usage.get("output_tokens"),
            "total_tokens": usage.get("total_tokens"),
        }
        return whole([answer], usage or None)

    shared = None

    def ask(self, item):
        import httpx
        from langchain_openai import ChatOpenAI

        if LangChain.shared is None:
            # Making one takes longer than everything else; no connection is used twice.
            limits = httpx.Limits(max_keepalive_connections=0)
            LangChain.shared = {
                "http_client": httpx.Client(limits=limits, timeout=TIMEOUT_S),
                "http_async_client": httpx.AsyncClient(limits=limits, timeout=TIMEOUT_S),
            }
        body = dict(item["body"])
        model = ChatOpenAI(
            model=body.pop("model"),
            base_url=item["base_url"],
            api_key=item["api_key"],
            max_retries=0,
            timeout=TIMEOUT_S,
            use_responses_api=False,
            stream_usage=True,
            **LangChain.shared,
        )
        messages = body.pop("messages")
        streams = body.pop("stream", False)
        body.pop("stream_options", None)
        if not streams:
            return self.answer(model.invoke(messages, **body))
        joined = None
        for chunk in model.stream(messages, **body):
            joined = chunk if joined is None else joined + chunk
            self.partly = self.Partly(self, joined)
        return self.answer(joined)

    class Partly:
        def __init__(self, client, message):
            self.client, self.message = client, message

        def answer(self):
            return self.client.answer(self.message)


class Strands(Client):
    modules = ("strands.event_loop.streaming", "strands.models.openai")

    def ask(self, item):
        return asyncio.run(self.talk(item))

    async def talk(self, item):
        from strands.event_loop.streaming import process_stream
        from strands.models.openai import OpenAIModel

        body = dict(item["body"])
        names = ("model", "messages", "stream", "stream_options", "tools", "tool_choice")
        params = {key: value for key, value in body.items() if key not in names}
        model = OpenAIModel(
            client_args={
                "base_url": item["base_url"],
                "api_key": item["api_key"],
                "max_retries": 0,
                "timeout": TIMEOUT_S,
            },
            model_id=body["model"],
            params=params,
        )
        tools = [
            {
                "name": tool["function"]["name"],
                "description": tool["function"]["description"],
                "inputSchema": {"json": tool["function"]["parameters"]},
            }
            for tool in body.get("tools", [])
        ]
        messages = [
            {"role": message["role"], "content": [{"text": message["content"]}]}
            for message in body["messages"]
        ]
        choice = {"any": {}} if body.get("tool_choice") == "required" else None
        self.partly = self.Partly()
        events = model.stream(messages, tools or None, None, tool_choice=choice)
        async for event in process_stream(events):
            if "stop" not in event:
                if isinstance(event.get("data"), str):
                    self.partly.text += event["data"]
                continue
            reason, message, usage, _ = event["stop"]
            blocks = message["content"]
            texts = [block["text"] for block in blocks if "text" in block]
            reasons = [
                block["reasoningContent"].get("reasoningText", {}).get("text", "")
                for block in blocks
                if "reasoningContent" in block
            ]
            calls = [
                {
                    "id": block["toolUse"]["toolUseId"],
                    "name": block["toolUse"]["name"],
                    "arguments": block["toolUse"]["input"],
                }
                for block in blocks
                if "toolUse" in block
            ]
            answer = {
                "text": "".join(texts) if texts else None,
                "reasoning": "".join(reasons) if reasons else None,
                "tool_calls": calls,
                "finish_reason": reason,
            }
            counts = {
                "prompt_tokens": usage["inputTokens"],
                "completion_tokens": usage["outputTokens"],
                "total_tokens": usage["totalTokens"],
            }
            return whole([answer], counts)
        return whole([], None)

    class Partly:
        def __init__(self):
            self.text = ""

        def answer(self):
            empty = {"reasoning": None, "tool_calls": [], "finish_reason": None}
            return whole([{"text": self.text or None, **empty}], None)


class LiteLlm(Client):
    modules = ("litellm",)

    def ask(self, item):
        import httpx
        import litellm

        if litellm.client_session is None:
            litellm.suppress_debug_info = True
            litellm.telemetry = False
            # As the package makes its own, but for all items, and no connection is used twice.
            limits = httpx.Limits(max_keepalive_connections=0)
            litellm.client_session = httpx.Client(
                limits=limits, timeout=TIMEOUT_S, follow_redirects=True
            )
        body = dict(item["body"])
        said = litellm.completion(
            model="openai/" + body.pop("model"),
            api_base=item["base_url"],
            api_key=item["api_key"],
            max_retries=0,
            num_retries=0,
            timeout=TIMEOUT_S,
            **body,
        )
        if not body.get("stream"):
            return completion(said)
        joined = self.partly = Joined()
        for chunk in said:
            joined.add(chunk)
        return joined.answer()


CLIENTS = {
    "openai-python": OpenAi,
    "openai-python-stream": OpenAiStream,
    "openai-python-responses": OpenAiResponses,
    "langchain": LangChain,
    "strands": Strands,
    "litellm": LiteLlm,
}


def named(error):
    """The class as a caller writes it: `openai.APIError`, `TypeError`."""
    kind = type(error)
    module = kind.__module__.split(".")[0]
    return kind.__name__ if module == "builtins" else f"{module}.{kind.__name__}"


def is_timeout(error):
    # LiteLLM has an exception of its own for whatever happens amid a stream, and says Timeout of
    # some error statuses too.
    name, text = type(error).__name__, str(error)
    if name == "MidStreamFallbackError":
        return "timed out" in text
    return "Timeout" in name and "Timeout Error" not in text


def said(client, item):
    said = {"id": item["id"], "outcome": "returns", "exception": None, "message": None}
    signal.setitimer(signal.ITIMER_REAL, GUARD_S)
    try:
        return {**said, **client.ask(item)}
    except (Exception, Overdue) as error:
        signal.setitimer(signal.ITIMER_REAL, 0)
        hangs = isinstance(error, Overdue) or is_timeout(error)
        partly = client.partly.answer() if client.partly is not None else whole([], None)
        said["outcome"] = "hangs" if hangs else "raises"
        return {**said, "exception": named(error), "message": str(error)[:300], **partly}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main():
    signal.signal(signal.SIGALRM, overdue)
    kind = CLIENTS[sys.argv[1]]
    # litellm would fetch its price list at import.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    for module in kind.modules:
        importlib.import_module(module)
    # What a package prints must not come between the answers.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        if not line.strip():
            continue
        answer = said(kind(), json.loads(line))
        line = json.dumps(answer, ensure_ascii=False, default=str, allow_nan=False)
        # Half a surrogate pair has no UTF-8.
        line = "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in line)
        out.write(line + "\n")
        out.flush()


if __name__ == "__main__":
    main()

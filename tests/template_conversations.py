"""Conversations for tests/make_template_fixtures.py: name -> the variables that a chat template sees."""

TOOLS = [
    {"type": "function", "function": {
        "name": "get_weather", "description": "Weather of a place & day <now>: \"today\" or it's later.",
        "parameters": {"type": "object", "properties": {
            "city": {"type": "string", "description": "The city, for example Zürich"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
            "days": {"type": "integer", "minimum": 1, "maximum": 14},
            "hours": {"type": "array", "items": {"type": "number"}, "description": "Hours of the day"},
            "place": {"type": "object", "properties": {"lat": {"type": "number"}, "lon": {"type": ["number", "null"]}},
                      "required": ["lat"]},
        }, "required": ["city"]},
        "return": {"type": "string", "description": "A sentence"}}},
    {"type": "function", "function": {
        "name": "now", "description": "The time", "parameters": {"type": "object", "properties": {}}}},
]


def call(name, arguments, number="1"):
    return {"id": f"call0000{number}", "type": "function", "function": {"name": name, "arguments": arguments}}


def user(content):
    return {"role": "user", "content": content}


def system(content):
    return {"role": "system", "content": content}


def assistant(content, **more):
    return {"role": "assistant", "content": content, **more}


def result(content, name="get_weather", number="1"):
    return {"role": "tool", "name": name, "tool_call_id": f"call0000{number}", "content": content}


def thought(text, content, **more):
    return assistant(content, thinking=text, reasoning_content=text, **more)


def case(messages, prompt=True, tools=None, **more):
    return {"messages": messages, "tools": tools, "documents": None, "add_generation_prompt": prompt,
            "bos_token": "<s>", "eos_token": "</s>", **more}


ASK = user("How warm is it in Zürich?")
ARGUMENTS = {"city": "Zürich", "days": 2, "hours": [6, 12.5, 1e20, -0.0], "place": {"lat": 47.37, "lon": None}, "sure": True}

CONVERSATIONS = {
    "user": case([user("Hello!")]),
    "user-no-prompt": case([user("Hello!")], prompt=False),
    "system": case([system("  You are terse.\n"), user("Hello!\n\n")]),
    "turns": case([system("You are terse."), user("One"), assistant("Two"), user("Three"), assistant(" Four \n"), user("Five")]),
    "assistant-last": case([user("One"), assistant("Two")], prompt=False),
    "assistant-last-prompt": case([system("S"), user("One"), assistant("Two")]),
    "tools": case([system("You have tools."), ASK], tools=TOOLS),
    "tools-no-system": case([ASK], tools=TOOLS),
    "no-tools-given": case([ASK], tools=[]),
    "call": case([ASK, assistant("", tool_calls=[call("get_weather", ARGUMENTS)])], prompt=False, tools=TOOLS),
    "call-text-arguments": case([ASK, assistant(None, tool_calls=[call("get_weather", '{"city": "Zürich"}')]), result("21 °C")],
                                tools=TOOLS),
    "result": case([system("S"), ASK, assistant("Let me look.", tool_calls=[call("get_weather", ARGUMENTS)]),
                    result('{"temperature": 21, "sky": "clear"}'), assistant("21 degrees."), user("Thanks")], tools=TOOLS),
    "two-results": case([ASK, assistant("", tool_calls=[call("get_weather", {"city": "Bern"}, "1"), call("now", {}, "2")]),
                         result("18", "get_weather", "1"), result("noon", "now", "2")], tools=TOOLS),
    "result-parts": case([ASK, assistant("", tool_calls=[call("now", {})]),
                          result([{"type": "text", "text": "noon"}], "now")], tools=TOOLS),
    "thinking": case([user("2+2?"), thought("Add\nthem.", "4"), user("And 3?"), thought("Again.", "7")], prompt=False),
    "thinking-tags": case([user("2+2?"), assistant("<think>\nAdd.\n</think>\n\n4"), user("And 3?")], enable_thinking=True),
    "thinking-off": case([system("S"), user("2+2?")], enable_thinking=False, thinking=False, reasoning_effort="low"),
    "thinking-call": case([ASK, thought("I need a tool.", "", tool_calls=[call("get_weather", {"city": "Zürich"})]),
                           result("21"), thought("Warm.", "It is warm.")], prompt=False, tools=TOOLS, enable_thinking=True),
    "parts": case([user([{"type": "text", "text": "What"}, {"type": "image"}, {"type": "text", "text": " is this?"}])]),
    "parts-image-url": case([system([{"type": "text", "text": "Look."}]),
                             user([{"type": "image_url", "image_url": {"url": "data:,"}}, {"type": "text", "text": "This?"}]),
                             assistant([{"type": "text", "text": "A cat"}]), user("Sure?")]),
    "empty": case([system(""), user(""), assistant(""), user(" \n ")]),
    "null-content": case([user("Hi"), assistant(None), user("Hm")]),
    "unicode": case([system("Sei höflich 🙂"), user("e\u0301 \u4f60\u597d \u0645\u0631\u062d\u0628\u0627 \U0001f469\u200d\U0001f4bb\u2028\u00a0\u3000\t'\"\\<&>{{ x }}{% y %}"),
                     assistant("\u001f\u0085ǅ İ ß\r\nx")]),
    "wrong-order": case([user("One"), user("Two"), assistant("Three"), assistant("Four"), system("Late")]),
    "unknown-role": case([user("Hi"), {"role": "critic", "content": "No."}]),
    "developer": case([{"role": "developer", "content": "Be brief."}, user("Hi")], tools=TOOLS),
    "no-messages": case([]),
    "no-content": case([user("Hi"), {"role": "assistant"}]),
    "no-special-tokens": {"messages": [system("S"), user("Hi"), assistant("Yo"), user("Go")], "add_generation_prompt": True},
}

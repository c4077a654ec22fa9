"""A gRPC client of grpcio alone: started by python_grpc.rs with the server's address."""

import os
import sys

import grpc

GREETING = "good morning"
# HelloRequest and HelloReply: field 1, a string shorter than 128 bytes.
REQUEST = bytes([0x0A, len(GREETING)]) + GREETING.encode()

MISSING = (grpc.StatusCode.UNAUTHENTICATED, "Authentication is required")
INVALID = (grpc.StatusCode.UNAUTHENTICATED, "The access token is invalid")
EXPIRED = (grpc.StatusCode.UNAUTHENTICATED, "The access token expired")
ILL_FORMED = (
    grpc.StatusCode.UNAUTHENTICATED,
    "The request carries ill-formed or repeated credentials",
)
LACKING = (grpc.StatusCode.PERMISSION_DENIED, "The access token lacks a required scope")


def reply(message):
    """The text of a HelloReply."""
    assert message[0] == 0x0A and message[1] == len(message) - 2, message
    return message[2:].decode()


def bearer(name):
    return (("authorization", "Bearer " + os.environ[name]),)


def main():
    channel = grpc.insecure_channel(sys.argv[1])
    methods = {
        name: channel.unary_unary("/greeter.Greeter/" + name)
        for name in ("Hello", "Shout", "Nothing")
    }
    repeat = channel.unary_stream("/greeter.Greeter/Repeat")

    def ask(method, metadata):
        try:
            return reply(methods[method](REQUEST, metadata=metadata, timeout=30))
        except grpc.RpcError as error:
            return (error.code(), error.details())

    def expect(what, found, expected):
        assert found == expected, f"{what}: {found} instead of {expected}"
        print(f"{what}: {found}")

    expect("good token", ask("Hello", bearer("GOOD")), GREETING + ", alice")
    expect("no token", ask("Hello", ()), MISSING)
    expect("another scheme", ask("Hello", (("authorization", "Basic YTpi"),)), MISSING)
    expect("expired token", ask("Hello", bearer("EXPIRED")), EXPIRED)
    expect("revoked token", ask("Hello", bearer("REVOKED")), INVALID)
    expect("another's token", ask("Hello", bearer("FOREIGN")), INVALID)
    for text in ("Bearer a.b.c", "Bearer abc", "Bearer " + "." * 1000):
        expect(text[:12], ask("Hello", (("authorization", text),)), INVALID)
    for text in ("Bearer", "Bearer a b", "abc,def", "Bearer \"x\""):
        expect(text, ask("Hello", (("authorization", text),)), ILL_FORMED)
    expect("sent twice", ask("Hello", bearer("GOOD") * 2), ILL_FORMED)
    expect("missing scope", ask("Shout", bearer("GOOD")), LACKING)
    expect("with the scope", ask("Shout", bearer("LOUD")), (GREETING + ", alice").upper())
    expect("no such method, no token", ask("Nothing", ()), MISSING)
    code, _ = ask("Nothing", bearer("GOOD"))
    expect("no such method", code, grpc.StatusCode.UNIMPLEMENTED)

    replies = [reply(message) for message in repeat(REQUEST, metadata=bearer("GOOD"), timeout=30)]
    expect("stream", replies, [GREETING + ", alice"] * 3)
    try:
        replies = list(repeat(REQUEST, metadata=bearer("EXPIRED"), timeout=30))
        raise AssertionError(f"stream with an expired token: {replies}")
    except grpc.RpcError as error:
        expect("stream, expired token", (error.code(), error.details()), EXPIRED)

    # The challenge goes along as metadata.
    call = methods["Hello"].future(REQUEST, timeout=30)
    assert call.exception() is not None
    metadata = list(call.initial_metadata()) + list(call.trailing_metadata())
    challenges = [value for name, value in metadata if name == "www-authenticate"]
    expect("challenge", challenges, ['Bearer realm="api"'])
    # And the connection is still good.
    expect("good token", ask("Hello", bearer("GOOD")), GREETING + ", alice")
    channel.close()
    print("all as expected")


main()

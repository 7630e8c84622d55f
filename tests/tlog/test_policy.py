"""Trust policies: the whole grammar of tlog-policy."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.tlog.note import ED25519_COSIGNATURE, VerifierKey
from audit_ledger.tlog.policy import Group, Log, Policy, Witness, parse_policy
from tests.tlog.keys import LOG, LOG_MLDSA, WITNESS_1, WITNESS_2, WITNESS_3, Signer

LOG_LINE = f"log {LOG.vkey}\n"
X1, X2, X3 = (
    f"witness X{number} {signer.vkey}\n"
    for number, signer in enumerate((WITNESS_1, WITNESS_2, WITNESS_3), 1)
)
WITNESSES = X1 + X2 + X3


def made_key(number: int) -> VerifierKey:
    """A key that nobody has; a policy file only names it."""
    return VerifierKey(f"w/{number}", ED25519_COSIGNATURE, number.to_bytes(32, "big"))


def test_policy_with_two_levels_of_groups() -> None:
    """As in the specification's example, with URLs, comments and odd white space."""
    policy = parse_policy(
        (
            f"# who we trust\n\n \t\nlog {LOG.vkey} https://log.example/\n"
            f"\t log\t \t{LOG_MLDSA.vkey}  \n"
            f"  # {'x' * 99}\n"
            + X1
            + X2
            + f"witness Y1 {WITNESS_3.vkey} https://w3.example/submit\n"
            "group X-witnesses 2 X1 X2\n"
            "group  Y-witnesses\tany Y1\n"
            "group X-and-Y all X-witnesses Y-witnesses\n"
            "quorum X-and-Y\n"
        ).encode()
    )
    assert policy == Policy(
        (Log(LOG.key, "https://log.example/"), Log(LOG_MLDSA.key)),
        {
            "X1": Witness(WITNESS_1.key),
            "X2": Witness(WITNESS_2.key),
            "Y1": Witness(WITNESS_3.key, "https://w3.example/submit"),
        },
        {
            "X-witnesses": Group(2, ("X1", "X2")),
            "Y-witnesses": Group(1, ("Y1",)),
            "X-and-Y": Group(2, ("X-witnesses", "Y-witnesses")),
        },
        "X-and-Y",
    )


@pytest.mark.parametrize(
    ("text", "quorum"),
    [
        pytest.param("quorum none\n", "none", id="quorum line alone"),
        pytest.param(f"{X1}quorum X1\n", "X1", id="one witness"),
        pytest.param(f"{X1}group g 1 X1\nquorum g\n", "g", id="group of one"),
        pytest.param(f"{X1}quorum X1\n{X2}{LOG_LINE}", "X1", id="lines behind the quorum"),
        pytest.param(f"quorum none\n{WITNESSES}", "none", id="witnesses without a quorum"),
        pytest.param(f"{X1}group g any X1\nquorum X1\n", "X1", id="member as quorum"),
        pytest.param(f"witness all {WITNESS_1.vkey}\ngroup any all all\nquorum any\n", "any",
                     id="keywords as names"),
        pytest.param(f"witness # {WITNESS_1.vkey}\nquorum #\n", "#", id="number sign as a name"),
        pytest.param(f"witness 1 {WITNESS_1.vkey}\ngroup 2 1 1\nquorum 2\n", "2", id="numbers"),
        pytest.param(f"quorum none\n#{LOG_LINE}", "none", id="comment"),
    ],
)  # fmt: skip
def test_policy_that_the_grammar_allows(text: str, quorum: str) -> None:
    """Everything but the quorum line may be absent, and names may be any octets."""
    policy = parse_policy(text.encode())
    assert policy.quorum == quorum
    assert parse_policy(policy.to_bytes()) == policy


def test_names_are_opaque_octets() -> None:
    """K and the Kelvin sign, a letter in two normal forms, and no UTF-8 at all: five names."""
    names = [b"K", "\u212a".encode(), "\u00e9".encode(), "e\u0301".encode(), b"\xff\x80\xc3"]
    lines = [
        b"witness %b %b\n" % (name, made_key(number).text.encode())
        for number, name in enumerate(names)
    ]
    data = b"".join(lines) + b"group all 5 %b\nquorum all\n" % b" ".join(names)
    policy = parse_policy(data)
    assert [name.encode("utf-8", "surrogateescape") for name in policy.witnesses] == names
    assert policy.groups["all"].threshold == 5
    assert parse_policy(policy.to_bytes()) == policy
    assert b"\xff\x80\xc3" in policy.to_bytes()


@pytest.mark.parametrize("space", ["\u0085", "\u00a0", "\u2003", "\u3000"])
def test_only_space_and_tab_are_white_space(space: str) -> None:
    """Unicode's other spaces are part of a name."""
    name = f"a{space}b{space}"
    policy = parse_policy(f"witness {name} {WITNESS_1.vkey}\nquorum {name}\n".encode())
    assert policy.quorum == name


@pytest.mark.parametrize("octet", [*range(9), *range(11, 13), *range(14, 32), 127])
@pytest.mark.parametrize("place", [b"quorum none\n# %b\n", b"quorum none%b\n"])
def test_control_characters_are_not_allowed(octet: int, place: bytes) -> None:
    """Not even in a comment; the octet and its line are named."""
    with pytest.raises(FormatError, match=f"line [12]: octet 0x{octet:02x}"):
        parse_policy(place % bytes([octet]))


def test_line_ends_that_a_transfer_changed_are_named() -> None:
    """CR LF is what a mail program or an editor makes of LF; a byte order mark is an editor's."""
    with pytest.raises(FormatError, match=r"policy, line 2: ends in CR LF, expected LF alone"):
        parse_policy(b"quorum none\n# a\r\n")
    with pytest.raises(FormatError, match="begins with a byte order mark"):
        parse_policy(b"\xef\xbb\xbfquorum none\n")
    with pytest.raises(FormatError, match="line 1: octet 0x0d"):
        parse_policy(b"# a\rb\nquorum none\n")


def test_octets_with_the_high_bit_are_allowed() -> None:
    """In comments, names and URLs."""
    high = bytes(range(0x80, 0x100))
    data = b"# %b\nwitness %b %b %b\nquorum %b\n" % (
        high,
        high,
        WITNESS_1.vkey.encode(),
        high,
        high,
    )
    policy = parse_policy(data)
    assert policy.to_bytes() == data.split(b"\n", 1)[1]


NO_KEY = "a+00000000+AQ=="
SAME_KEY = Signer("other.example", WITNESS_1.algorithm, WITNESS_1.seed)
SAME_LOG_KEY = Signer("other.example", LOG.algorithm, LOG.seed)
SAME_KEY_OTHER_TYPE = Signer(LOG.name, ED25519_COSIGNATURE, LOG.seed)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "no quorum line", id="empty file"),
        pytest.param(LOG_LINE + WITNESSES, "no quorum line", id="no quorum"),
        pytest.param("quorum none", "does not end in a newline", id="last newline missing"),
        pytest.param("quorum none\nquorum none\n", "line 2: a second quorum", id="two quorums"),
        pytest.param("quorum\n", "quorum with 0 items", id="quorum of nothing"),
        pytest.param(f"{WITNESSES}quorum X1 X2\n", "quorum with 2 items", id="quorum of two"),
        pytest.param("quorum none # no\n", "quorum with 3 items", id="comment behind an item"),
        pytest.param("quorum X1\n", "a quorum that no line", id="quorum undefined"),
        pytest.param(f"quorum X1\n{X1}", "line 1: a quorum", id="quorum defined later"),
        pytest.param(f"{X1}quorum x1\n", "a quorum that no line", id="quorum in another case"),
        pytest.param("Quorum none\n", "neither log", id="keyword in capitals"),
        pytest.param("witnesses a b\n", "neither log", id="unknown keyword"),
        pytest.param("//comment\n", "neither log", id="other comment"),
        pytest.param("log\n", "log with 0 items", id="log without a key"),
        pytest.param(f"log {LOG.vkey} u v\n", "log with 3 items", id="log with two URLs"),
        pytest.param(f"log {NO_KEY}\n", "line 1: verifier key", id="log with a malformed key"),
        pytest.param(f"log log {LOG.vkey}\n", "verifier key", id="log with a name"),
        pytest.param(LOG_LINE * 2, "line 2: a log with the same", id="log twice"),
        pytest.param(f"{LOG_LINE}log {SAME_LOG_KEY.vkey}\n", "log with the same public key",
                     id="log twice by other names"),
        pytest.param(f"{LOG_LINE}log {SAME_KEY_OTHER_TYPE.vkey}\n", "log with the same public key",
                     id="log twice by other types"),
        pytest.param("witness\n", "witness with 0 items", id="witness without a name"),
        pytest.param("witness X1\n", "witness with 1 items", id="witness without a key"),
        pytest.param(f"witness {LOG.vkey}\n", "witness with 1 items", id="witness key alone"),
        pytest.param(f"{X1[:-1]} u v\n", "witness with 4 items", id="witness with two URLs"),
        pytest.param(f"witness X1 {NO_KEY}\n", "verifier key", id="witness with a malformed key"),
        pytest.param(f"witness X1 {LOG.vkey}\n", "type 0x01 signs no", id="witness of type 0x01"),
        pytest.param(f"witness none {WITNESS_1.vkey}\n", "none is predef", id="witness none"),
        pytest.param(f"{X1}witness X1 {WITNESS_2.vkey}\n", "already defined", id="name twice"),
        pytest.param(f"{X1}witness X2 {WITNESS_1.vkey}\n", "witness with the same",
                     id="witness twice"),
        pytest.param(f"{X1}witness X2 {SAME_KEY.vkey}\n", "witness with the same public key",
                     id="witness twice by other key names"),
        pytest.param("group\n", "group with 0 items", id="group without a name"),
        pytest.param("group g\n", "group with 1 items", id="group without a threshold"),
        pytest.param("group g any\n", "group with 2 items", id="group without members"),
        pytest.param("group g X1 X2\n", "no line before defines", id="group without a rule"),
        pytest.param(f"{WITNESSES}group g X1 X2\n", "neither all, any", id="name for a threshold"),
        pytest.param(f"{WITNESSES}group g 0 X1\n", "neither all, any", id="threshold 0"),
        pytest.param(f"{WITNESSES}group g -1 X1\n", "neither all, any", id="threshold negative"),
        pytest.param(f"{WITNESSES}group g +1 X1\n", "neither all, any", id="threshold with a plus"),
        pytest.param(f"{WITNESSES}group g 01 X1\n", "neither all, any", id="leading zero"),
        pytest.param(f"{WITNESSES}group g 1.0 X1\n", "neither all, any", id="threshold fraction"),
        pytest.param(f"{WITNESSES}group g 0x1 X1\n", "neither all, any", id="threshold in hex"),
        pytest.param(f"{WITNESSES}group g ١ X1\n", "neither all, any", id="other digits"),
        pytest.param(f"{WITNESSES}group g ALL X1\n", "neither all, any", id="all in capitals"),
        pytest.param(f"{WITNESSES}group g {'9' * 5000} X1\n", "neither all", id="endless"),
        pytest.param(f"{WITNESSES}group g 3 X1 X2\n", "threshold of 3 for 2", id="over n"),
        pytest.param(f"{X1}group g any X1 X9\n", "no line before defines", id="member undefined"),
        pytest.param(f"group g any X1\n{X1}", "no line before", id="member defined later"),
        pytest.param(f"{X1}group g any g\n", "no line before defines", id="member of itself"),
        pytest.param(f"{X1}group g any X1 none\n", "no line before defines", id="member none"),
        pytest.param(f"{X1}group g any X1 X1\n", "already a member", id="member twice"),
        pytest.param(f"{WITNESSES}group g any X1\ngroup h any X1\n", "line 5: a name that is alr",
                     id="member of two groups"),
        pytest.param(f"{X1}group none any X1\n", "none is predefined", id="group none"),
        pytest.param(f"{X1}group X1 any X1\n", "already defined", id="group named as a witness"),
        pytest.param(f"{WITNESSES}group g any X1\ngroup g any X2\n", "already defined",
                     id="group twice"),
    ],
)  # fmt: skip
def test_malformed_policy(text: str, message: str) -> None:
    """Each rule of the grammar has a message with the line."""
    with pytest.raises(FormatError, match=message) as raised:
        parse_policy(text.encode())
    assert str(raised.value).startswith("policy")


@pytest.mark.parametrize("vkey_name", [b"\xff", b"a\xc2\xa0b"], ids=["no UTF-8", "no-break space"])
def test_key_name_in_a_policy_is_that_of_a_note(vkey_name: bytes) -> None:
    """Where witness names are octets, key names are not."""
    vkey = LOG.vkey.encode().replace(LOG.name.encode(), vkey_name)
    with pytest.raises(FormatError, match="key name"):
        parse_policy(b"log %b\nquorum none\n" % vkey)


def test_size_of_a_policy() -> None:
    """1 MiB is read, and a byte more is not."""
    most = b"quorum none\n#" + b"x" * (1_048_576 - 14) + b"\n"
    assert parse_policy(most) == Policy()
    with pytest.raises(FormatError, match="at most"):
        parse_policy(b" " + most)


def test_same_key_may_be_log_and_witness() -> None:
    """Only two logs, or two witnesses, may not share a key."""
    text = f"log {LOG_MLDSA.vkey}\nwitness own {LOG_MLDSA.vkey}\nquorum own\n"
    assert parse_policy(text.encode()).to_bytes() == text.encode()


@pytest.mark.parametrize(
    "policy",
    [
        Policy(witnesses={"a b": Witness(WITNESS_1.key)}),
        Policy(witnesses={"": Witness(WITNESS_1.key)}),
        Policy(witnesses={"a\nb": Witness(WITNESS_1.key)}),
        Policy(witnesses={"\ud800": Witness(WITNESS_1.key)}),
        Policy(witnesses={"none": Witness(WITNESS_1.key)}),
        Policy(witnesses={"a": Witness(LOG.key)}),
        Policy((Log(LOG.key, "two urls"),)),
        Policy((Log(LOG.key, ""),)),
        Policy((Log(LOG.key), Log(LOG.key))),
        Policy(groups={"g": Group(1, ())}),
        Policy(witnesses={"a": Witness(WITNESS_1.key)}, groups={"g": Group(2, ("a",))}),
        Policy(quorum="a"),
        Policy(quorum="none\n# none"),
    ],
)
def test_policy_that_no_file_can_say(policy: Policy) -> None:
    """It is not written."""
    with pytest.raises(FormatError, match="policy"):
        policy.to_bytes()


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Any policy: witnesses first, then groups of what is not in a group yet."""
    names = draw(
        st.lists(
            st.binary(min_size=1, max_size=6)
            .map(lambda data: bytes(octet for octet in data if octet > 32 and octet != 127))
            .filter(lambda data: data not in (b"", b"none"))
            .map(lambda data: data.decode("utf-8", "surrogateescape")),
            unique=True,
            max_size=12,
        )
    )
    count = draw(st.integers(0, len(names)))
    witnesses = {name: Witness(made_key(at)) for at, name in enumerate(names[:count])}
    free = list(witnesses)
    groups: dict[str, Group] = {}
    for name in names[count:]:
        if not free:
            break
        members = draw(st.lists(st.sampled_from(free), min_size=1, unique=True))
        groups[name] = Group(draw(st.integers(1, len(members))), tuple(members))
        free = [other for other in free if other not in members] + [name]
    quorum = draw(st.sampled_from([*witnesses, *groups, "none"]))
    urls = st.none() | st.just("https://log.example/")
    logs = tuple(Log(made_key(100 + at), draw(urls)) for at in range(draw(st.integers(0, 2))))
    return Policy(logs, witnesses, groups, quorum)


@settings(deadline=None)
@given(policies())
def test_every_policy_is_read_back(policy: Policy) -> None:
    """What is written reads back as it was."""
    assert parse_policy(policy.to_bytes()) == policy


def test_recommended_limits() -> None:
    """More than 32 logs, 32 witnesses and 32 nested groups are read."""
    lines = [f"log {made_key(number).text}" for number in range(40)]
    lines += [f"witness w{number} {made_key(number).text}" for number in range(40)]
    lines += ["group g0 any w0"]
    lines += [f"group g{number} all g{number - 1} w{number}" for number in range(1, 40)]
    policy = parse_policy(("\n".join(lines) + "\nquorum g39\n").encode())
    assert (len(policy.logs), len(policy.witnesses), len(policy.groups)) == (40, 40, 40)

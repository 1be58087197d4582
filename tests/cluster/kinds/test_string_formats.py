"""Formats of texts, as lenient and as strict as the API server's."""

from __future__ import annotations

import pytest

from cluster.kinds.string_formats import fits


@pytest.mark.parametrize(
    ("style", "good", "bad"),
    [
        ("date", ("2020-01-02",), ("2020-13-01", "2020-02-30", "x")),
        (
            "date-time",
            ("2020-01-02T03:04:05Z", "2020-01-02t03:04:05.123+01:00"),
            ("2020-01-02", "2020-01-02T03:04:05", "2020-01-02 03:04:05Z", "2020-01-02T25:04:05Z"),
        ),
        ("email", ("a@b.c", "a@b", "<a@b.c>", "Ann <a@b.c>"), ("a", "a b@c.d", "a@")),
        ("ipv4", ("1.2.3.4", "01.2.3.4"), ("1.2.3", "1.2.3.256", "::1")),
        ("ipv6", ("::1", "fe80::1"), ("1.2.3.4", "zz")),
        ("cidr", ("10.0.0.0/8", "::/0"), ("10.0.0.0", "10.0.0.0/33")),
        ("uuid", ("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6BA7B8109DAD11D180B400C04FD430C8"), ("x",)),
        ("uuid4", ("57b73598-8764-4ad0-a76a-679bb6640eb1",), ("6ba7b810-9dad-11d1-80b4-00c04fd430c8",)),
        ("uri", ("http://a", "/a", "urn:x"), ("a", "a b", "://", "")),
        ("byte", ("YQ==",), ("YQ", "!!", "")),
        ("hostname", ("a.bc", "a"), ("a.b", "a_b", "-a", "a" * 260)),
        ("duration", ("1h30m", "1 day", "0"), ("x", "5", "")),
        ("mac", ("01:02:03:04:05:06", "0102.0304.0506"), ("x",)),
        ("isbn", ("0-321-14653-0",), ("0-321-14653-1",)),
        ("creditcard", ("4111 1111 1111 1111",), ("4111111111111112",)),
        ("rgbcolor", ("rgb(1, 2,3)",), ("rgb(1,2,256)",)),
        ("hexcolor", ("#fff", "00ff00"), ("#ffff",)),
        ("bsonobjectid", ("507f1f77bcf86cd799439011",), ("507f",)),
        ("ssn", ("111-11-1111",), ("1111",)),
        ("k8s-short-name", ("abc",), ("a.b", "A")),
        ("k8s-long-name", ("a.b",), ("a..b", "A")),
        ("whatever", ("anything",), ()),
    ],
)
def test_a_format_takes_what_it_should(style: str, good: tuple[str, ...], bad: tuple[str, ...]) -> None:
    assert [text for text in good if not fits(text, style)] == []
    assert [text for text in bad if fits(text, style)] == []

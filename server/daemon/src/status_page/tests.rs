use super::*;
use quire_bson::Timestamp;
use quire_replset::{HostPort, MemberState, OpTime};

fn page<'a>(address: &'a str, set: Option<&'a Figures>) -> StatusPage<'a> {
    StatusPage {
        address,
        version: "8.0.4",
        uptime: Duration::from_secs(93_784),
        connections: 7,
        operations: 2,
        trouble: None,
        set,
    }
}

fn member(host: &str, state: MemberState, time: u32) -> MemberFigures {
    MemberFigures {
        host: HostPort::new(host, 27017),
        is_self: false,
        is_up: state != MemberState::Down,
        state,
        op_time: OpTime { ts: Timestamp { time, increment: 1 }, t: 3 },
        durable: None,
        applied: None,
    }
}

fn set(members: Vec<MemberFigures>) -> Figures {
    Figures {
        name: "a & b".to_owned(),
        state: MemberState::Secondary,
        is_writable: false,
        term: 3,
        last: 12,
        committed: 11,
        members,
    }
}

fn holds(page: &StatusPage<'_>, expected: &[&str]) {
    let text = page.to_string();
    for expected in expected {
        assert!(text.contains(expected), "{expected:?} is not in\n{text}");
    }
}

#[test]
fn a_standalone_says_how_it_is() {
    let shown = page("host:27017", None);
    holds(
        &shown,
        &[
            "<h1>host:27017</h1>",
            "8.0.4",
            "standalone",
            "1 d 02:03:04",
            "<td>7</td>",
            "<td>yes</td>",
        ],
    );
    assert!(!shown.to_string().contains("Member"));
}

#[test]
fn a_member_shows_its_set_as_it_sees_it() {
    let mut own = member("one", MemberState::Secondary, 1_700_000_000);
    own.is_self = true;
    let others =
        [member("two", MemberState::Primary, 1_700_000_001), member("three", MemberState::Down, 0)];
    let figures = set([vec![own], others.to_vec()].concat());
    let mut shown = page("one:27017", Some(&figures));
    shown.trouble = Some("it <rests>");
    holds(
        &shown,
        &[
            "<td>a &amp; b</td>",
            "<td>no: it &lt;rests&gt;</td>",
            "<td>last 12, committed 11</td>",
            "<tr><td>one:27017 (this one)</td><td>SECONDARY</td><td>2023-11-14T22:13:20.000+00:00<",
            "<tr><td>two:27017</td><td>PRIMARY</td><td>2023-11-14T22:13:21.000+00:00</td></tr>",
            "<tr><td>three:27017</td><td>not reachable</td><td>unknown</td></tr>",
        ],
    );
}

#[test]
fn nothing_from_outside_becomes_markup() {
    let figures = set(vec![member("<b>'\"&", MemberState::Primary, 1)]);
    let text = page("<script>", Some(&figures)).to_string();
    assert!(!text.contains("<script>") && !text.contains("<b>"), "{text}");
    assert!(text.contains("&lt;b&gt;&#39;&quot;&amp;:27017"), "{text}");
}

#[test]
fn a_member_without_a_configuration_says_so() {
    holds(&page("one:27017", Some(&set(Vec::new()))), &["no configuration yet"]);
}

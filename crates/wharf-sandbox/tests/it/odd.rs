//! What a stranger's client may send, and nobody's phone would: whatever came in, everything can be read, and goes on.

use serde_json::{Value, json};

use crate::harness::{OWNER, Reply, SILENT, World, both_backends};
use crate::protobuf::Proto;

/// Numbers of the generator's run; `cargo xtask fuzz` asks for longer ones.
const MESSAGES: u64 = 40;
const SEED: u64 = 0x0DD;

fn asked(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// What a field holds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Bytes,
    Number,
    Double,
    Float,
    Of(&'static [(u32, Kind)]),
}

use Kind::{Bytes, Double, Float, Number, Of, Text};

const KEY: &[(u32, Kind)] = &[(1, Text), (2, Number), (3, Text), (4, Text)];
const QUOTED: &[(u32, Kind)] = &[(1, Text), (5, Of(&[(1, Double), (2, Double)]))];
const CONTEXT: &[(u32, Kind)] =
    &[(1, Text), (2, Text), (3, Of(QUOTED)), (4, Text), (15, Text), (15, Text), (21, Number), (22, Number), (25, Number), (26, Number)];
const TEXT: &[(u32, Kind)] =
    &[(1, Text), (2, Text), (5, Text), (6, Text), (7, Float), (8, Float), (9, Number), (10, Number), (16, Bytes), (17, Of(CONTEXT))];
const PLACE: &[(u32, Kind)] = &[
    (1, Double),
    (2, Double),
    (3, Text),
    (4, Text),
    (5, Text),
    (6, Number),
    (7, Number),
    (8, Float),
    (11, Text),
    (16, Bytes),
    (17, Of(CONTEXT)),
];
const LIVE: &[(u32, Kind)] =
    &[(1, Double), (2, Double), (3, Number), (4, Float), (5, Number), (6, Text), (7, Number), (8, Number), (16, Bytes), (17, Of(CONTEXT))];
const CARD: &[(u32, Kind)] = &[(1, Text), (16, Text), (17, Of(CONTEXT))];
const OPTION: &[(u32, Kind)] = &[(1, Text)];
const POLL: &[(u32, Kind)] =
    &[(1, Bytes), (2, Text), (3, Of(OPTION)), (3, Of(OPTION)), (4, Number), (5, Of(CONTEXT)), (6, Number), (9, Number)];
const IMAGE: &[(u32, Kind)] = &[
    (1, Text),
    (2, Text),
    (3, Text),
    (4, Bytes),
    (5, Number),
    (6, Number),
    (7, Number),
    (8, Bytes),
    (9, Bytes),
    (11, Text),
    (12, Number),
    (16, Bytes),
    (17, Of(CONTEXT)),
    (25, Number),
];
const VIDEO: &[(u32, Kind)] = &[
    (1, Text),
    (2, Text),
    (3, Bytes),
    (4, Number),
    (5, Number),
    (6, Bytes),
    (7, Text),
    (8, Number),
    (9, Number),
    (10, Number),
    (11, Bytes),
    (13, Text),
    (14, Number),
    (16, Bytes),
    (17, Of(CONTEXT)),
];
const DOCUMENT: &[(u32, Kind)] = &[
    (1, Text),
    (2, Text),
    (3, Text),
    (4, Bytes),
    (5, Number),
    (6, Number),
    (7, Bytes),
    (8, Text),
    (9, Bytes),
    (10, Text),
    (11, Number),
    (20, Text),
];
const AUDIO: &[(u32, Kind)] = &[
    (1, Text),
    (2, Text),
    (3, Bytes),
    (4, Number),
    (5, Number),
    (6, Number),
    (7, Bytes),
    (8, Bytes),
    (9, Text),
    (10, Number),
    (19, Bytes),
];
const STICKER: &[(u32, Kind)] = &[
    (1, Text),
    (2, Bytes),
    (3, Bytes),
    (4, Bytes),
    (5, Text),
    (6, Number),
    (7, Number),
    (8, Text),
    (9, Number),
    (10, Number),
    (16, Bytes),
];
const REACTION: &[(u32, Kind)] = &[(1, Of(KEY)), (2, Text), (3, Text), (4, Number)];
const VOTE: &[(u32, Kind)] = &[(1, Of(KEY)), (2, Of(&[(1, Bytes), (2, Bytes)])), (4, Number)];
const EVENT: &[(u32, Kind)] = &[(1, Of(CONTEXT)), (2, Number), (3, Text), (4, Text), (5, Of(PLACE)), (6, Text), (7, Number), (8, Number)];
const EDITED: &[(u32, Kind)] = &[(1, Text), (3, Of(IMAGE)), (6, Of(TEXT))];
/// Without the messages between own devices.
const PROTOCOL: &[(u32, Kind)] = &[(1, Of(KEY)), (2, Number), (4, Number), (5, Number), (14, Of(EDITED)), (15, Number)];
const PLAIN: &[(u32, Kind)] = &[
    (1, Text),
    (3, Of(IMAGE)),
    (4, Of(CARD)),
    (5, Of(PLACE)),
    (6, Of(TEXT)),
    (7, Of(DOCUMENT)),
    (8, Of(AUDIO)),
    (9, Of(VIDEO)),
    (12, Of(PROTOCOL)),
    (13, Of(&[(1, Text), (2, Of(CARD)), (2, Of(CARD)), (17, Of(CONTEXT))])),
    (18, Of(LIVE)),
    (26, Of(STICKER)),
    (46, Of(REACTION)),
    (49, Of(POLL)),
    (50, Of(VOTE)),
    (60, Of(POLL)),
    (64, Of(POLL)),
    (66, Of(VIDEO)),
    (75, Of(EVENT)),
    (82, Of(VOTE)),
    (111, Of(POLL)),
    (119, Of(POLL)),
];
/// The fields of the envelopes in which a message may stand.
const ENVELOPES: &[u32] = &[37, 40, 53, 55, 58, 59, 62, 67, 74, 85, 87, 92, 93, 96, 100, 101, 103, 104, 106, 118];

const NUMBERS: &[u64] = &[0, 1, 7, 14, 86_400, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 53, i64::MAX as u64, 1 << 63, u64::MAX];
const DOUBLES: &[f64] =
    &[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 90.0, 90.000_001, -181.0, 1e300, f64::MAX, f64::MIN_POSITIVE, 5e-324];
const TEXTS: &[&str] = &[
    "",
    "plain",
    "\0",
    "a\0b",
    "\u{202e}\u{feff}\u{fffd}\u{10ffff}",
    "\"}{\\u0000'; --",
    "15550001002@s.whatsapp.net",
    "status@broadcast",
    "https://example.org/?x=1",
    "image/jpeg\r\nX: y",
    "../../etc/passwd",
    "BEGIN:VCARD\nFN:\nTEL;waid=:\nTEL;waid=0:0\nTEL\nEND:VCARD",
    "👩‍👩‍👧‍👦",
];

/// Chance that can be had again (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % below as u64).unwrap()
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())]
    }

    fn field(&mut self, proto: Proto, (field, kind): (u32, Kind)) -> Proto {
        match kind {
            Text if self.roll(12) == 0 => proto.bytes(field, "long ".repeat(4_000)),
            Text => proto.bytes(field, self.one(TEXTS)),
            Bytes => {
                let length = self.one(&[0, 1, 16, 32, 500]);
                proto.bytes(field, vec![u8::try_from(self.roll(256)).unwrap(); length])
            }
            Number => proto.varint(field, self.one(NUMBERS)),
            Double => proto.double(field, self.one(DOUBLES)),
            Float => {
                let value = self.one(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, f32::MAX]);
                proto.float(field, value)
            }
            Of(fields) => {
                let inner = self.some(fields);
                proto.message(field, &inner)
            }
        }
    }

    /// A message with about two thirds of the fields.
    fn some(&mut self, fields: &[(u32, Kind)]) -> Proto {
        let mut proto = Proto::default();
        for field in fields {
            if self.roll(3) > 0 {
                proto = self.field(proto, *field);
            }
        }
        proto
    }

    fn message(&mut self) -> Proto {
        let one = self.one(PLAIN);
        let mut message = self.field(Proto::default(), one);
        if self.roll(6) == 0 {
            let another = self.one(PLAIN);
            message = self.field(message, another);
        }
        while self.roll(4) == 0 {
            message = Proto::default().message(self.one(ENVELOPES), &Proto::default().message(1, &message));
        }
        message
    }
}

impl World {
    /// Has the silent contact send any protobuf, and waits until it was taken. Answers its id.
    pub async fn writes_raw(&self, message: &Proto) -> String {
        let wa_id = self.writes(json!({"type": "raw", "protobuf": message.base64()})).await;
        self.until_acknowledged(OWNER).await;
        wa_id
    }

    /// Reads all that can be read of the session; gives its messages, newest first.
    async fn reads_everything(&self, session: &str) -> Vec<Value> {
        let api = self.api();
        let (mut rows, mut page) = (Vec::new(), String::new());
        loop {
            let list = api.get(&format!("/v1/messages?sessionId={session}&limit=7{page}")).await;
            rows.extend(list.ok(200).as_array().unwrap().clone());
            let Some(next) = list.json["page"]["next"].as_str() else { break };
            page = format!("&cursor={next}");
        }
        let chats = api.get(&format!("/v1/chats?sessionId={session}")).await;
        chats.ok(200);
        api.get(&format!("/v1/contacts?sessionId={session}")).await.ok(200);
        for row in rows.iter().take(3) {
            let id = row["messageId"].as_str().unwrap();
            assert_eq!(api.get(&format!("/v1/messages/{id}")).await.ok(200)["messageId"], id);
        }
        rows
    }
}

/// Where a page's neighbour can be read, by each of its names.
fn there(rows: &[Value], wa_id: &str) -> Value {
    rows.iter().find(|row| row["whatsappId"] == wa_id).unwrap_or_else(|| panic!("{wa_id} is not among {rows:?}")).clone()
}

fn place(latitude: f64, longitude: f64) -> Proto {
    Proto::default().message(5, &Proto::default().double(1, latitude).double(2, longitude))
}

both_backends! {
    async fn a_place_that_is_nowhere_stands_there_without_one_and_holds_nothing_up(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let before = world.writes(json!({"text": "before"})).await;
        world.row(&session, &before, |_| true).await;
        let nowhere = [(f64::NAN, 1.0), (f64::INFINITY, 1.0), (1.0, f64::NEG_INFINITY), (90.5, 1.0), (1.0, -180.5), (1e300, f64::MAX)];
        for (latitude, longitude) in nowhere {
            let wa_id = world.writes_raw(&place(latitude, longitude)).await;
            let row = there(&world.reads_everything(&session).await, &wa_id);
            assert_eq!((&row["type"], &row["originalType"]), (&json!("unsupported"), &json!("location")), "{latitude} {longitude}");
        }
        let somewhere = world.writes_raw(&place(-90.0, 180.0)).await;
        let rows = world.reads_everything(&session).await;
        assert_eq!(there(&rows, &somewhere)["longitude"], 180.0);
        assert_eq!(rows.len(), nowhere.len() + 2);
        world.api().post(&format!("/v1/chats/{SILENT}/read"), &json!({"sessionId": session})).await.ok(200);
        assert!(world.metric("wharf_unreadable_rows_total 0").await);
    }

    async fn whatever_a_stranger_sends_everything_stays_readable(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let (seed, messages) = (asked("WHARF_ODD_SEED", SEED), asked("WHARF_ODD_MESSAGES", MESSAGES));
        let (mut dice, mut sent_in_all) = (Dice(seed), 0);
        for turn in 0..messages {
            let odd = dice.message();
            let sent: Reply = world.control().post(&format!("/control/phones/{SILENT}/send"), &json!({"to": OWNER, "type": "raw", "protobuf": odd.base64()})).await;
            // Some of it is no protobuf that anybody could read.
            if sent.status == 400 {
                continue;
            }
            assert_eq!(sent.status, 200, "turn {turn} of seed {seed}: {sent:?}");
            sent_in_all += 1;
            world.until_acknowledged(OWNER).await;
            world.reads_everything(&session).await;
        }
        assert!(sent_in_all >= messages / 2, "{sent_in_all} of {messages}");
        println!("odd:taken\t{sent_in_all}");
        // Streams and webhooks read the same log.
        let log = world.api().log().await;
        assert!(log.iter().any(|event| event["event"] == "message.received"), "{log:?}");
        let last = world.writes(json!({"text": "and a neighbour"})).await;
        world.row(&session, &last, |row| row["text"] == "and a neighbour").await;
        world.api().post(&format!("/v1/chats/{SILENT}/read"), &json!({"sessionId": session})).await.ok(200);
        assert!(world.metric("wharf_unreadable_rows_total 0").await);
        world.until_connected(&session).await;
    }
}

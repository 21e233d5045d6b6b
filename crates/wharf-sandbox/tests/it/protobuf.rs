//! Protobufs by hand: what a stranger's client may write, whether or not anybody's library would.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

#[derive(Clone, Default)]
pub struct Proto(Vec<u8>);

impl Proto {
    fn number(&mut self, mut value: u64) {
        while value > 0x7f {
            self.0.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
            value >>= 7;
        }
        self.0.push(u8::try_from(value).unwrap());
    }

    fn tag(&mut self, field: u32, wire: u64) {
        self.number((u64::from(field) << 3) | wire);
    }

    pub fn varint(mut self, field: u32, value: u64) -> Self {
        self.tag(field, 0);
        self.number(value);
        self
    }

    pub fn double(mut self, field: u32, value: f64) -> Self {
        self.tag(field, 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn float(mut self, field: u32, value: f32) -> Self {
        self.tag(field, 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn bytes(mut self, field: u32, value: impl AsRef<[u8]>) -> Self {
        self.tag(field, 2);
        self.number(value.as_ref().len() as u64);
        self.0.extend(value.as_ref());
        self
    }

    pub fn message(self, field: u32, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }

    pub fn base64(&self) -> String {
        BASE64_STANDARD.encode(&self.0)
    }
}

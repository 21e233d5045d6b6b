//! Server-Sent Events out of a stream of bytes.

/// One block of the stream: the id that it sets, and an event where it holds one.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) struct Frame {
    pub id: Option<String>,
    pub data: Option<String>,
}

/// What came and is no whole block yet.
#[derive(Default)]
pub(in crate::cli) struct Frames(Vec<u8>);

impl Frames {
    pub(in crate::cli) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The next whole block.
    pub(in crate::cli) fn next(&mut self) -> Option<Frame> {
        let end = self.0.windows(2).position(|pair| pair == b"\n\n")?;
        let block: Vec<u8> = self.0.drain(..end + 2).collect();
        let block = String::from_utf8_lossy(&block);
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        Some(Frame { id: field("id: "), data: field("data: ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_out_whole_however_they_went_in() {
        let mut frames = Frames::default();
        let text = "retry: 1000\nid: a\n\nid: evt_1\nevent: x\ndata: {\"é\":1}\n\n:\nid: b\n\nid: evt_2\ndata: cut";
        let mut seen = Vec::new();
        for byte in text.as_bytes() {
            frames.push(&[*byte]);
            seen.extend(frames.next());
        }
        let frame = |id: &str, data: Option<&str>| Frame { id: Some(id.to_owned()), data: data.map(str::to_owned) };
        assert_eq!(seen, [frame("a", None), frame("evt_1", Some("{\"é\":1}")), frame("b", None)]);
    }
}

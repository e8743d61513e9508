//! Streams that were cut anywhere, changed anywhere, or never were frames.
//!
//! Invariant: whatever comes, nothing panics, nothing is allocated by a length that only was declared, and a request
//! that is taken is written again as the same octets. `FULCRUM_FRAMES` sets how many frames are changed, `FULCRUM_SEED`
//! how.

#[path = "wire/hex.rs"]
mod hex;
#[path = "wire/random.rs"]
mod random;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::Range;

use gateway::wire::frame::split;
use gateway::wire::message::TailKind;
use gateway::wire::private::{FromClient, FromVenue, layouts};
use gateway::wire::{Frame, FrameError, HEADER_BYTES};

use random::Random;

/// As a venue takes them from a client.
const MAX_FRAME: usize = 4096;
const CHANGED: u64 = 1_000_000;

thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

struct CountingAllocator;

fn count(size: usize) {
    // At the end of a thread its cells are gone; nothing is counted there.
    let _gone = ALLOCATED.try_with(|allocated| allocated.set(allocated.get().saturating_add(size)));
}

#[expect(
    unsafe_code,
    reason = "a global allocator cannot be written without; it only forwards to the system's"
)]
// SAFETY: every method forwards its arguments unchanged to the system allocator, which keeps the contract.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Octets that `work` allocates.
fn allocated<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATED.get();
    let result = work();
    (result, ALLOCATED.get() - before)
}

fn configured(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// The committed frames.
fn golden() -> Vec<Vec<u8>> {
    let lines = include_str!("../schema/frames.txt").lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| hex::octets(line.rsplit(' ').next().expect("a line has octets"))).collect()
}

fn stream(random: &mut Random, frames: usize) -> Vec<Vec<u8>> {
    let golden = golden();
    (0..frames).map(|_| golden[random.index(golden.len())].clone()).collect()
}

/// Reads what comes in pieces, as a connection does: what is not a whole frame is kept.
fn frames_of(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Result<usize, FrameError>) {
    let (mut kept, mut frames) = (Vec::new(), Vec::new());
    for piece in pieces {
        kept.extend_from_slice(piece);
        loop {
            match split(&kept, MAX_FRAME) {
                Ok(Some((_, length))) => frames.push(kept.drain(..length).collect()),
                Ok(None) => break,
                Err(error) => return (frames, Err(error)),
            }
        }
    }
    (frames, Ok(kept.len()))
}

#[test]
fn a_stream_cut_anywhere_gives_the_same_frames() {
    let seed = configured("FULCRUM_SEED", 1);
    println!("repeat: FULCRUM_SEED={seed} cargo test -p gateway --test wire_frames cut_anywhere");
    let mut random = Random::new(seed);
    let frames = stream(&mut random, 40);
    let octets = frames.concat();
    for cut in 0..=octets.len() {
        let (before, after) = octets.split_at(cut);
        assert_eq!(frames_of(&[before, after]), (frames.clone(), Ok(0)), "cut at {cut}");
        let (whole, rest) = frames_of(&[before]);
        assert_eq!(whole, frames[..whole.len()], "ends at {cut}");
        assert_eq!(rest, Ok(cut - whole.concat().len()), "ends at {cut}");
    }
    assert_eq!(frames_of(&octets.chunks(1).collect::<Vec<_>>()), (frames.clone(), Ok(0)), "octet by octet");
    for _ in 0..1000 {
        let mut cuts: Vec<usize> = (0..random.index(60)).map(|_| random.index(octets.len())).collect();
        cuts.extend([0, octets.len()]);
        cuts.sort_unstable();
        let pieces: Vec<_> = cuts.windows(2).map(|pair| &octets[pair[0]..pair[1]]).collect();
        assert_eq!(frames_of(&pieces), (frames.clone(), Ok(0)), "cut at {cuts:?}");
    }
}

#[test]
fn garbage_ends_a_stream_at_its_sixth_octet_whatever_pieces_it_comes_in() {
    let seed = configured("FULCRUM_SEED", 1);
    println!("repeat: FULCRUM_SEED={seed} cargo test -p gateway --test wire_frames garbage");
    let mut random = Random::new(seed);
    for _ in 0..20_000 {
        let good = stream(&mut random, 2);
        let mut garbage: Vec<u8> = (0..6 + random.index(100)).map(|_| random.octet()).collect();
        // Half of it begins nearly like a frame.
        let expected = if random.below(2) == 0 {
            garbage[4..6].copy_from_slice(&[0x50, 0xEB]);
            let length = if random.below(2) == 0 {
                random.below(32)
            } else {
                MAX_FRAME as u64 + 1 + random.below(1 << 20)
            };
            garbage[..4].copy_from_slice(&u32::try_from(length).expect("small").to_le_bytes());
            FrameError::BadLength
        } else {
            garbage[4] = 0x51;
            FrameError::BadEncodingType
        };
        for length in 0..6 {
            assert_eq!(split(&garbage[..length], MAX_FRAME), Ok(None));
        }
        assert_eq!(split(&garbage[..6], MAX_FRAME), Err(expected));
        let octets = [good.concat(), garbage].concat();
        for size in [1, 5, 7, octets.len()] {
            let pieces: Vec<_> = octets.chunks(size).collect();
            assert_eq!(frames_of(&pieces), (good.clone(), Err(expected)), "pieces of {size}");
        }
    }
}

#[test]
fn the_longest_frame_is_taken_and_one_octet_more_is_not_waited_for() {
    let mut start = [0; 6];
    start[4..].copy_from_slice(&[0x50, 0xEB]);
    for (length, expected) in [
        (HEADER_BYTES - 1, Err(FrameError::BadLength)),
        (HEADER_BYTES, Ok(None)),
        (MAX_FRAME, Ok(None)),
        (MAX_FRAME + 1, Err(FrameError::BadLength)),
        (u32::MAX as usize, Err(FrameError::BadLength)),
    ] {
        start[..4].copy_from_slice(&u32::try_from(length).expect("of four octets").to_le_bytes());
        assert_eq!(split(&start, MAX_FRAME), expected, "{length}");
    }
}

/// Changes a frame in a few places; its length is put right three times out of four, or nothing would be decoded.
fn change(random: &mut Random, golden: &[Vec<u8>], frame: &mut Vec<u8>) {
    for _ in 0..=random.index(4) {
        let at = random.index(frame.len());
        match random.below(7) {
            0 => frame[at] ^= 1 << random.below(8),
            1 => frame[at] = random.octet(),
            2 => frame.truncate(at.max(HEADER_BYTES)),
            3 => frame.extend((0..random.index(40)).map(|_| random.octet())),
            4 => {
                let word = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF][random.index(7)];
                let end = (at + 2).min(frame.len());
                frame[at..end].copy_from_slice(&u16::to_le_bytes(word)[..end - at]);
            }
            5 => {
                let other = &golden[random.index(golden.len())];
                frame.truncate(at.max(1));
                frame.extend_from_slice(other.get(at..).unwrap_or_default());
            }
            // Another message's header before this body.
            _ => {
                let other = &golden[random.index(golden.len())];
                frame.resize(frame.len().max(HEADER_BYTES), 0);
                frame[24..HEADER_BYTES].copy_from_slice(&other[24..HEADER_BYTES]);
            }
        }
        if frame.is_empty() {
            frame.push(0);
        }
    }
    if random.below(4) != 0 && frame.len() >= HEADER_BYTES {
        let length = u32::try_from(frame.len()).expect("short");
        frame[..4].copy_from_slice(&length.to_le_bytes());
    }
}

#[test]
fn changed_frames_do_no_harm() {
    let (frames, seed) = (configured("FULCRUM_FRAMES", CHANGED), configured("FULCRUM_SEED", 1));
    println!(
        "repeat: FULCRUM_SEED={seed} FULCRUM_FRAMES={frames} cargo test -p gateway --test wire_frames changed"
    );
    let (mut random, golden) = (Random::new(seed), golden());
    let tails: Vec<u16> =
        layouts().iter().filter(|layout| layout.tail.is_some()).map(|layout| layout.template).collect();
    let (mut cut, mut taken, mut read) = (0_u64, 0_u64, 0_u64);
    let mut octets = Vec::new();
    for _ in 0..frames {
        octets.clear();
        octets.extend_from_slice(&golden[random.index(golden.len())]);
        change(&mut random, &golden, &mut octets);
        let (result, spent) = allocated(|| split(&octets, MAX_FRAME));
        assert_eq!(spent, 0);
        let Ok(Some((frame, length))) = result else { continue };
        cut += 1;
        let bound = if tails.contains(&frame.template) { 2 * length } else { 0 };
        taken += u64::from(is_taken(&frame, &octets[..length], bound));
        read += u64::from(is_read(&frame, length, bound));
    }
    println!("{frames} frames: {cut} whole, {taken} taken by the venue, {read} read by a client");
    assert!(taken * 50 > frames && read * 50 > frames, "most of what is tried must not fail at once");
}

/// Where a frame says the version of its sender's schema.
const VERSION: Range<usize> = 30..32;

/// Whether the venue takes a frame; then it is the only frame of its message, the sender's version and what that had not
/// aside.
fn is_taken(frame: &Frame<'_>, octets: &[u8], bound: usize) -> bool {
    let (message, spent) = allocated(|| FromClient::decode(frame));
    assert!(spent <= bound, "{spent} octets allocated for {frame:?}");
    let Ok(message) = message else { return false };
    let mut again = Vec::new();
    message.append(frame.prefix, &mut again);
    again[VERSION].copy_from_slice(&octets[VERSION]);
    if usize::from(frame.block_length) < usize::from(message.layout().block_length) {
        again.drain(
            HEADER_BYTES + usize::from(frame.block_length)
                ..HEADER_BYTES + usize::from(message.layout().block_length),
        );
        again[..4].copy_from_slice(&octets[..4]);
        again[24..26].copy_from_slice(&octets[24..26]);
    }
    assert_eq!(again, octets, "{message:?}");
    true
}

/// Whether a client reads a frame; then what it knows of it is the same when written and read again.
fn is_read(frame: &Frame<'_>, length: usize, bound: usize) -> bool {
    let (message, spent) = allocated(|| FromVenue::decode(frame));
    assert!(spent <= bound, "{spent} octets allocated for {frame:?}");
    let Ok(message) = message else { return false };
    let mut again = Vec::new();
    message.append(frame.prefix, &mut again);
    assert!(again.len() <= length, "{message:?}");
    let (frame, _) = split(&again, MAX_FRAME).expect("a frame").expect("all of it");
    assert_eq!(FromVenue::decode(&frame), Ok(message));
    true
}

#[test]
fn a_declared_number_of_rows_or_octets_allocates_nothing() {
    for layout in layouts() {
        let Some(tail) = layout.tail else { continue };
        let block = usize::from(layout.block_length);
        let mut body = vec![0; block + 4];
        let count = match tail.kind {
            TailKind::Text => block,
            TailKind::Group { size, .. } => {
                body[block..block + 2].copy_from_slice(&u16::try_from(size).expect("short").to_le_bytes());
                block + 2
            }
        };
        for declared in [3, 1000, 1024, 1025, u16::MAX] {
            body[count..count + 2].copy_from_slice(&declared.to_le_bytes());
            let (prefix, version) = (gateway::wire::Prefix::default(), 0);
            let (template, block_length) = (layout.template, layout.block_length);
            let frame = Frame { prefix, block_length, template, schema: 701, version, body: &body };
            let (results, spent) =
                allocated(|| (FromClient::decode(&frame).is_err(), FromVenue::decode(&frame).is_err()));
            assert_eq!((results, spent), ((true, true), 0), "{} with {declared}", layout.name);
        }
    }
}

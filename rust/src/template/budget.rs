//! What one rendering may still use: fuel, time, memory. Each rendering has a thread of its own, so
//! the meter is the thread's.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::{limit, Limits, Outcome};

const STEPS_PER_CLOCK_CHECK: u64 = 512;
/// Values may not nest deeper: bounds the recursion of printing, comparing and dropping them.
pub const MAX_DEPTH: u16 = 200;

struct Meter {
    live: Cell<u64>,
    memory: Cell<u64>,
    fuel: Cell<u64>,
    next_clock: Cell<u64>,
    deadline: Cell<Option<Instant>>,
    time_ms: Cell<u64>,
}

thread_local! {
    static METER: Meter = const {
        Meter {
            live: Cell::new(0),
            memory: Cell::new(u64::MAX),
            fuel: Cell::new(u64::MAX),
            next_clock: Cell::new(0),
            deadline: Cell::new(None),
            time_ms: Cell::new(0),
        }
    };
}

/// Starts this thread's meter. `variables`: bytes of the input, which come on top.
pub fn start(limits: &Limits, variables: u64) {
    METER.with(|m| {
        m.live.set(0);
        m.memory.set(limits.memory_bytes.saturating_add(variables.saturating_mul(16)));
        m.fuel.set(limits.fuel);
        m.next_clock.set(limits.fuel.saturating_sub(STEPS_PER_CLOCK_CHECK));
        m.time_ms.set(limits.time_ms);
        m.deadline.set(Instant::now().checked_add(Duration::from_millis(limits.time_ms)));
    });
}

/// After the input is read, only `memory_bytes` more may live.
pub fn end_input(limits: &Limits) {
    METER.with(|m| m.memory.set(m.live.get().saturating_add(limits.memory_bytes)));
}

/// Bytes that are given back when this is dropped.
#[derive(Debug)]
pub struct Charge(u64);

impl Drop for Charge {
    fn drop(&mut self) {
        METER.with(|m| m.live.set(m.live.get().saturating_sub(self.0)));
    }
}

pub fn charge(bytes: usize) -> Outcome<Charge> {
    fits(bytes)?;
    METER.with(|m| m.live.set(m.live.get() + bytes as u64));
    Ok(Charge(bytes as u64))
}

/// Whether so many more bytes may be allocated; for text that grows before it becomes a value.
pub fn fits(bytes: usize) -> Outcome<()> {
    METER.with(|m| {
        if m.live.get().saturating_add(bytes as u64) > m.memory.get() {
            return limit("the chat template needs more memory than it may use");
        }
        Ok(())
    })
}

pub fn room() -> usize {
    METER.with(|m| m.memory.get().saturating_sub(m.live.get()) as usize)
}

/// Work done: one step is about an expression, a list element or 64 bytes of text.
pub fn steps(n: usize) -> Outcome<()> {
    METER.with(|m| {
        let fuel = m.fuel.get();
        let n = n as u64;
        if n > fuel {
            return limit("the chat template does more work than it may");
        }
        m.fuel.set(fuel - n);
        if fuel - n <= m.next_clock.get() {
            m.next_clock.set((fuel - n).saturating_sub(STEPS_PER_CLOCK_CHECK));
            if m.deadline.get().is_some_and(|d| Instant::now() >= d) {
                return limit(format!(
                    "the chat template takes longer than {} ms",
                    m.time_ms.get()
                ));
            }
        }
        Ok(())
    })
}

pub fn text_work(bytes: usize) -> Outcome<()> {
    steps(1 + bytes / 64)
}

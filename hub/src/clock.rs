//! This hub's clock, which tests may set. It is shown to people and measures time spans; no order that matters rests on it.

use std::sync::Arc;

/// 2026-01-01, milliseconds since 1970: this program is not older.
const EARLIEST: i64 = 1_767_225_600_000;

/// A cheap clone that tells the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(maloca_protocol::time::now_millis))
    }

    /// A clock that a test moves.
    pub fn of(tell: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> i64 {
        (self.0)()
    }

    /// Whether it shows a time that cannot be: the battery that keeps an old laptop's clock running is empty, and it began anew in 1970 or 1980.
    #[must_use]
    pub fn is_impossible(&self) -> bool {
        self.now() < EARLIEST
    }

    /// The time in the form that the API shows.
    #[must_use]
    pub fn text(&self) -> String {
        maloca_protocol::time::format_millis(self.now())
    }
}

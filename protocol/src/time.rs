//! Times as texts, in exactly one form: `2026-11-21T05:28:00.000Z`.
//!
//! Revisions carry their author's clock in this form and it is never rewritten; the hub writes its own times so too.

/// Milliseconds since 1970, read from the one form that is accepted: milliseconds, UTC, a day that exists.
#[must_use]
pub fn parse_millis(text: &str) -> Option<i64> {
    let b = text.as_bytes();
    let shape = b.len() == 24
        && b.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            10 => *byte == b'T',
            13 | 16 => *byte == b':',
            19 => *byte == b'.',
            23 => *byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
    if !shape {
        return None;
    }
    let digits = |range: std::ops::Range<usize>| b[range].iter().fold(0_i32, |n, digit| n * 10 + i32::from(digit - b'0'));
    let narrow = |n: i32| i8::try_from(n).ok();
    let (year, month, day) = (i16::try_from(digits(0..4)).ok()?, narrow(digits(5..7))?, narrow(digits(8..10))?);
    let (hour, minute, second) = (digits(11..13), digits(14..16), digits(17..19));
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let date = jiff::civil::Date::new(year, month, day).ok()?;
    let days = i64::from((date - jiff::civil::date(1970, 1, 1)).get_days());
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    Some((days * 86_400 + seconds) * 1_000 + i64::from(digits(20..23)))
}

/// The one form of a time, from milliseconds since 1970; clamped to the years 0000 to 9999, which the form can hold.
#[must_use]
pub fn format_millis(millis: i64) -> String {
    const FIRST: i64 = -62_167_219_200_000;
    const LAST: i64 = 253_402_207_200_000 - 1;
    let stamp = jiff::Timestamp::from_millisecond(millis.clamp(FIRST, LAST)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{stamp:.3}")
}

/// This machine's clock in milliseconds since 1970. May be years off; nothing that matters rests on it.
#[must_use]
pub fn now_millis() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or_else(|before| -(before.duration().as_millis() as i64), |after| after.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_only() {
        assert_eq!(parse_millis("1970-01-01T00:00:00.000Z"), Some(0));
        assert_eq!(parse_millis("2026-11-21T05:28:00.123Z"), Some(1_795_238_880_123));
        for bad in [
            "2026-11-21T05:28:00Z",
            "2026-11-21T05:28:00.123+00:00",
            "2026-02-29T05:28:00.000Z",
            "2026-13-01T05:28:00.000Z",
            "2026-11-21T24:00:00.000Z",
            "2026-11-21T23:59:60.000Z",
            "2026-11-21 05:28:00.000Z",
            "+026-11-21T05:28:00.000Z",
            "",
        ] {
            assert_eq!(parse_millis(bad), None, "{bad}");
        }
    }

    #[test]
    fn written_as_read() {
        for text in
            ["0000-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z", "2024-02-29T12:00:00.001Z", "9999-12-30T21:59:59.999Z"]
        {
            assert_eq!(format_millis(parse_millis(text).unwrap()), text);
        }
    }
}

//! Digits as strokes, for the brass numbers. Pure.

use bevy::math::Vec2;
use std::f32::consts::PI;

/// The strokes of a number as four-cornered pieces around the origin, digits `height` high.
#[must_use]
pub(super) fn number(value: u8, height: f32) -> Vec<[Vec2; 4]> {
    let text: Vec<u8> = if value >= 10 { vec![value / 10 % 10, value % 10] } else { vec![value] };
    let first = -(text.len() as f32 - 1.0) * ADVANCE / 2.0;
    let mut pieces = Vec::new();
    for (place, digit) in text.into_iter().enumerate() {
        let middle = Vec2::new(first + ADVANCE * place as f32, 0.0);
        for line in lines(digit) {
            for pair in line.windows(2) {
                pieces.push(stroke(pair[0] + middle, pair[1] + middle).map(|corner| corner * height));
            }
        }
    }
    pieces
}

fn stroke(a: Vec2, b: Vec2) -> [Vec2; 4] {
    let along = (b - a).normalize_or_zero() * STROKE / 2.0;
    let aside = along.perp();
    let (a, b) = (a - along * 0.7, b + along * 0.7);
    [a - aside, b - aside, b + aside, a + aside]
}

/// Each digit in a box from (−0.27, −0.5) to (0.27, 0.5).
fn lines(digit: u8) -> Vec<Vec<Vec2>> {
    let p = Vec2::new;
    let arc = |x: f32, y: f32, rx: f32, ry: f32, from: f32, to: f32, n: usize| -> Vec<Vec2> {
        (0..=n).map(|i| (from + (to - from) * i as f32 / n as f32) * PI).map(|turn| p(x + rx * turn.cos(), y + ry * turn.sin())).collect()
    };
    match digit {
        0 => vec![arc(0.0, 0.0, 0.26, 0.48, 0.0, 2.0, 12)],
        1 => vec![vec![p(-0.14, 0.3), p(0.04, 0.46), p(0.04, -0.48)]],
        2 => {
            let mut line = arc(0.0, 0.22, 0.25, 0.25, 0.95, -0.2, 7);
            line.extend([p(-0.25, -0.46), p(0.27, -0.46)]);
            vec![line]
        }
        3 => vec![arc(-0.01, 0.24, 0.23, 0.23, 0.85, -0.5, 7), arc(-0.01, -0.23, 0.26, 0.25, 0.5, -0.85, 7)],
        4 => vec![vec![p(0.12, -0.48), p(0.12, 0.47), p(-0.26, -0.2), p(0.28, -0.2)]],
        5 => {
            let mut line = vec![p(0.23, 0.46), p(-0.2, 0.46), p(-0.24, 0.06)];
            line.extend(arc(-0.02, -0.17, 0.27, 0.3, 0.68, -0.8, 8));
            vec![line]
        }
        6 => vec![arc(0.0, -0.2, 0.25, 0.27, 0.0, 2.0, 10), vec![p(-0.25, -0.16), p(-0.19, 0.16), p(-0.02, 0.38), p(0.16, 0.47)]],
        7 => vec![vec![p(-0.25, 0.46), p(0.26, 0.46), p(-0.06, -0.48)]],
        8 => vec![arc(0.0, 0.25, 0.21, 0.22, 0.0, 2.0, 9), arc(0.0, -0.22, 0.26, 0.26, 0.0, 2.0, 10)],
        _ => vec![arc(0.0, 0.2, 0.25, 0.27, 0.0, 2.0, 10), vec![p(0.25, 0.16), p(0.19, -0.16), p(0.02, -0.38), p(-0.16, -0.47)]],
    }
}

/// From one digit to the next, in heights.
const ADVANCE: f32 = 0.76;
/// Width of a stroke, in heights.
const STROKE: f32 = 0.17;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_fits_its_plate() {
        for value in 0..=99 {
            let pieces = number(value, 1.0);
            assert!(!pieces.is_empty());
            assert!(pieces.iter().flatten().all(|corner| corner.x.abs() < 0.8 && corner.y.abs() < 0.62), "{value}");
        }
    }
}

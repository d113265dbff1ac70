use bevy_egui::egui::{self, Color32, Pos2, Rect, Shape, Stroke, vec2};

/// Signs that need no legend, made of convex outlines in a square from −1 to 1 with y up: the same ones are drawn in panels and stand on the remote's buttons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Icon {
    /// A triangle.
    Play,
    /// Two bars.
    Pause,
    /// A triangle and a bar: what the button of the remote shows for both.
    PlayPause,
    /// Two triangles to the left.
    Back,
    /// Two triangles to the right.
    Forward,
    /// A bar and a triangle to the left.
    PreviousChapter,
    /// A triangle to the right and a bar.
    NextChapter,
    /// A loudspeaker and a plus.
    Louder,
    /// A loudspeaker and a minus.
    Quieter,
    /// A loudspeaker.
    Loudspeaker,
    /// A loudspeaker and a cross.
    Muted,
    /// Two notes: the sound track.
    Sound,
    /// A speech bubble with lines.
    Chat,
    /// Two people.
    People,
    /// A folder.
    Open,
    /// A crown.
    Moderator,
    /// A padlock.
    Locked,
    /// Three dots.
    More,
    /// A bulb.
    Lights,
    /// A wide frame.
    Cinema,
    /// Four corners.
    FullScreen,
    /// Three sliders.
    Settings,
    /// Lines in a frame: subtitles.
    Subtitles,
    /// A small remote.
    Remote,
    /// A question mark made of bars.
    Help,
    /// A microphone.
    Microphone,
    /// A microphone, crossed out.
    MicrophoneOff,
    /// A camera.
    Camera,
    /// A camera, crossed out.
    CameraOff,
}

impl Icon {
    /// Its outlines, each convex and counter-clockwise.
    pub(super) fn outlines(self) -> Vec<Vec<[f32; 2]>> {
        let triangle = |x: f32, half: f32, to: f32| {
            let tip = [x + to * half * 1.6, 0.0];
            if to > 0.0 { vec![[x, -half], tip, [x, half]] } else { vec![[x, half], tip, [x, -half]] }
        };
        let speaker = || vec![bar(-0.95, -0.6, -0.28, 0.28), vec![[-0.6, -0.28], [-0.1, -0.75], [-0.1, 0.75], [-0.6, 0.28]]];
        let with = |mut outlines: Vec<Vec<[f32; 2]>>, more: Vec<Vec<[f32; 2]>>| {
            outlines.extend(more);
            outlines
        };
        let microphone = || {
            vec![
                circle(0.0, 0.65, 0.32),
                bar(-0.32, 0.32, -0.05, 0.65),
                circle(0.0, -0.05, 0.32),
                bar(-0.62, -0.46, -0.35, 0.1),
                bar(0.46, 0.62, -0.35, 0.1),
                bar(-0.62, 0.62, -0.5, -0.35),
                bar(-0.08, 0.08, -0.85, -0.5),
                bar(-0.35, 0.35, -1.0, -0.85),
            ]
        };
        let camera = || vec![bar(-0.95, 0.35, -0.55, 0.55), vec![[0.45, -0.15], [0.95, -0.5], [0.95, 0.5], [0.45, 0.15]]];
        let crossed = || vec![stroke([-0.95, -0.95], [0.95, 0.95], 0.1)];
        match self {
            Self::Microphone => microphone(),
            Self::MicrophoneOff => with(microphone(), crossed()),
            Self::Camera => camera(),
            Self::CameraOff => with(camera(), crossed()),
            Self::Play => vec![triangle(-0.6, 0.85, 1.0)],
            Self::Pause => vec![bar(-0.65, -0.2, -0.8, 0.8), bar(0.2, 0.65, -0.8, 0.8)],
            Self::PlayPause => vec![triangle(-1.0, 0.7, 1.0), bar(0.3, 0.56, -0.7, 0.7), bar(0.78, 1.04, -0.7, 0.7)],
            Self::Back => vec![triangle(0.0, 0.6, -1.0), triangle(0.95, 0.6, -1.0)],
            Self::Forward => vec![triangle(0.0, 0.6, 1.0), triangle(-0.95, 0.6, 1.0)],
            Self::PreviousChapter => vec![triangle(0.75, 0.75, -1.0), bar(-0.85, -0.6, -0.75, 0.75)],
            Self::NextChapter => vec![triangle(-0.75, 0.75, 1.0), bar(0.6, 0.85, -0.75, 0.75)],
            Self::Loudspeaker => with(speaker(), vec![bar(0.2, 0.4, -0.35, 0.35), bar(0.65, 0.85, -0.65, 0.65)]),
            Self::Louder => with(speaker(), vec![bar(0.2, 1.0, -0.12, 0.12), bar(0.48, 0.72, -0.4, 0.4)]),
            Self::Quieter => with(speaker(), vec![bar(0.2, 1.0, -0.12, 0.12)]),
            Self::Muted => with(speaker(), vec![stroke([0.25, -0.35], [0.9, 0.35], 0.11), stroke([0.25, 0.35], [0.9, -0.35], 0.11)]),
            Self::Sound => vec![
                circle(-0.55, -0.6, 0.3),
                circle(0.5, -0.45, 0.3),
                bar(-0.42, -0.25, -0.6, 0.6),
                bar(0.63, 0.8, -0.45, 0.75),
                vec![[-0.42, 0.4], [0.8, 0.55], [0.8, 0.9], [-0.42, 0.75]],
            ],
            Self::Chat => with(
                frame(-0.95, 0.95, -0.45, 0.85, 0.16),
                vec![vec![[-0.5, -0.42], [-0.5, -0.95], [0.05, -0.42]], bar(-0.55, 0.55, 0.33, 0.48), bar(-0.55, 0.25, -0.03, 0.12)],
            ),
            Self::People => vec![
                circle(-0.38, 0.38, 0.32),
                vec![[-0.95, -0.7], [0.19, -0.7], [0.02, -0.04], [-0.78, -0.04]],
                circle(0.55, 0.28, 0.25),
                vec![[0.34, -0.7], [1.0, -0.7], [0.9, -0.08], [0.22, -0.08]],
            ],
            Self::Open => vec![bar(-0.9, -0.15, 0.5, 0.72), bar(-0.9, 0.9, -0.65, 0.5)],
            Self::Moderator => vec![
                bar(-0.8, 0.8, -0.75, -0.5),
                vec![[-0.8, -0.4], [-0.05, -0.4], [-0.85, 0.45]],
                vec![[-0.42, -0.4], [0.42, -0.4], [0.0, 0.7]],
                vec![[0.05, -0.4], [0.8, -0.4], [0.85, 0.45]],
            ],
            Self::Locked => {
                vec![bar(-0.62, 0.62, -0.85, 0.1), bar(-0.42, -0.22, 0.1, 0.6), bar(0.22, 0.42, 0.1, 0.6), bar(-0.42, 0.42, 0.6, 0.8)]
            }
            Self::More => vec![circle(-0.6, 0.0, 0.18), circle(0.0, 0.0, 0.18), circle(0.6, 0.0, 0.18)],
            Self::Lights => vec![circle(0.0, 0.25, 0.65), bar(-0.32, 0.32, -0.62, -0.48), bar(-0.25, 0.25, -0.85, -0.71)],
            Self::Cinema => frame(-1.0, 1.0, -0.6, 0.6, 0.16),
            Self::FullScreen => {
                let corner = |x: f32, y: f32| {
                    let (inner_x, inner_y) = (x - 0.5 * x.signum(), y - 0.5 * y.signum());
                    vec![
                        bar(x.min(inner_x), x.max(inner_x), (y - 0.16 * y.signum()).min(y), (y - 0.16 * y.signum()).max(y)),
                        bar((x - 0.16 * x.signum()).min(x), (x - 0.16 * x.signum()).max(x), y.min(inner_y), y.max(inner_y)),
                    ]
                };
                [(-0.9, -0.8), (0.9, -0.8), (-0.9, 0.8), (0.9, 0.8)].into_iter().flat_map(|(x, y)| corner(x, y)).collect()
            }
            Self::Settings => vec![
                bar(-0.95, 0.95, 0.54, 0.66),
                bar(-0.95, 0.95, -0.06, 0.06),
                bar(-0.95, 0.95, -0.66, -0.54),
                circle(-0.4, 0.6, 0.24),
                circle(0.45, 0.0, 0.24),
                circle(-0.1, -0.6, 0.24),
            ],
            Self::Subtitles => with(
                frame(-1.0, 1.0, -0.75, 0.75, 0.14),
                vec![bar(-0.65, 0.15, -0.42, -0.27), bar(0.3, 0.65, -0.42, -0.27), bar(-0.35, 0.35, -0.08, 0.07)],
            ),
            Self::Remote => with(
                frame(-0.42, 0.42, -1.0, 1.0, 0.14),
                vec![circle(0.0, 0.45, 0.17), bar(-0.16, 0.16, -0.25, -0.1), bar(-0.16, 0.16, -0.6, -0.45)],
            ),
            Self::Help => vec![
                bar(-0.5, 0.5, 0.62, 0.85),
                bar(0.27, 0.5, 0.05, 0.85),
                bar(-0.12, 0.5, 0.0, 0.2),
                bar(-0.12, 0.12, -0.35, 0.2),
                bar(-0.12, 0.12, -0.85, -0.6),
            ],
        }
    }

    /// Draws it in a panel.
    pub(super) fn paint(self, painter: &egui::Painter, rect: Rect, colour: Color32) {
        let (middle, half) = (rect.center(), rect.width().min(rect.height()) / 2.0);
        for outline in self.outlines() {
            let points: Vec<Pos2> = outline.into_iter().map(|[x, y]| middle + vec2(x, -y) * half).collect();
            painter.add(Shape::convex_polygon(points, colour, Stroke::NONE));
        }
    }
}

fn bar(left: f32, right: f32, low: f32, high: f32) -> Vec<[f32; 2]> {
    vec![[left, low], [right, low], [right, high], [left, high]]
}

fn frame(left: f32, right: f32, low: f32, high: f32, thick: f32) -> Vec<Vec<[f32; 2]>> {
    vec![
        bar(left, right, low, low + thick),
        bar(left, right, high - thick, high),
        bar(left, left + thick, low + thick, high - thick),
        bar(right - thick, right, low + thick, high - thick),
    ]
}

fn stroke(from: [f32; 2], to: [f32; 2], half: f32) -> Vec<[f32; 2]> {
    let along = [to[0] - from[0], to[1] - from[1]];
    let length = along[0].hypot(along[1]).max(f32::EPSILON);
    let aside = [-along[1] / length * half, along[0] / length * half];
    vec![
        [from[0] - aside[0], from[1] - aside[1]],
        [to[0] - aside[0], to[1] - aside[1]],
        [to[0] + aside[0], to[1] + aside[1]],
        [from[0] + aside[0], from[1] + aside[1]],
    ]
}

fn circle(x: f32, y: f32, radius: f32) -> Vec<[f32; 2]> {
    (0..20)
        .map(|step| {
            let (sin, cos) = (step as f32 / 20.0 * std::f32::consts::TAU).sin_cos();
            [x + radius * cos, y + radius * sin]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outlines_are_convex_and_counter_clockwise_so_that_they_fill() {
        use Icon::*;
        for icon in [
            Play,
            Pause,
            PlayPause,
            Back,
            Forward,
            PreviousChapter,
            NextChapter,
            Louder,
            Quieter,
            Loudspeaker,
            Muted,
            Sound,
            Chat,
            People,
            Open,
            Moderator,
            Locked,
            More,
            Lights,
            Cinema,
            FullScreen,
            Settings,
            Subtitles,
            Remote,
            Help,
            Microphone,
            MicrophoneOff,
            Camera,
            CameraOff,
        ] {
            for outline in icon.outlines() {
                for (index, b) in outline.iter().enumerate() {
                    let (a, c) = (outline[(index + outline.len() - 1) % outline.len()], outline[(index + 1) % outline.len()]);
                    let turn = (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0]);
                    assert!(turn > 0.0, "{icon:?}: {outline:?}");
                }
            }
        }
    }
}

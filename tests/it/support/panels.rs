use bevy::prelude::*;
use bevy_egui::{EguiContext, EguiContextSettings, EguiOutput, PrimaryEguiContext, egui, input::EguiInputEvent};
use houselights::trace::mono_ns;

/// A window whose panels are found and touched as people do: by their names, with a pointer.
pub(crate) trait Window {
    fn world(&mut self) -> &mut World;

    /// One picture is drawn.
    fn frame(&mut self);

    /// Everything on the panels, as a screen reader is told of it, and whether it has the keyboard.
    fn things(&mut self) -> Vec<Thing> {
        let world = self.world();
        let mut contexts = world.query_filtered::<(&mut EguiContext, &EguiOutput), With<PrimaryEguiContext>>();
        let (mut context, output) = contexts.single_mut(world).unwrap();
        // Names are collected from now on.
        context.get_mut().enable_accesskit();
        let Some(update) = &output.platform_output.accesskit_update else { return Vec::new() };
        let things = update.nodes.iter().filter(|(_, node)| !node.is_disabled()).filter_map(|(id, node)| {
            let at = node.bounds()?;
            let rect = egui::Rect::from_min_max(egui::pos2(at.x0 as f32, at.y0 as f32), egui::pos2(at.x1 as f32, at.y1 as f32));
            let name = node.label().or(node.value()).unwrap_or_default().to_owned();
            Some(Thing { role: node.role(), name, rect, has_keyboard: *id == update.focus })
        });
        things.collect()
    }

    /// Where something of this name stands: a button's words, or what a screen reader calls it.
    fn find(&mut self, name: &str) -> Option<egui::Rect> {
        self.things().into_iter().find(|thing| thing.name == name).map(|thing| thing.rect)
    }

    fn put(&mut self, event: egui::Event) {
        let world = self.world();
        let context = world.query_filtered::<Entity, (With<PrimaryEguiContext>, With<EguiContextSettings>)>().single(world).unwrap();
        world.write_message(EguiInputEvent { context, event });
        self.frame();
    }

    /// Waits until it stands still, and clicks on its middle.
    fn click_on(&mut self, name: &str) {
        let mut before = None;
        let since_ns = mono_ns();
        for frame in 0.. {
            // Where time is real, a fast card draws many pictures of it.
            if frame >= FRAMES_LEAST && mono_ns() - since_ns > PATIENCE_NS {
                break;
            }
            let now = self.find(name);
            if now.is_some() && now == before {
                break;
            }
            before = now;
            self.frame();
        }
        let Some(rect) = before else { panic!("there is no “{name}”; there is {:?}", self.things()) };
        self.click_at(rect.center());
    }

    fn click_at(&mut self, pos: egui::Pos2) {
        self.put(egui::Event::PointerMoved(pos));
        for pressed in [true, false] {
            let modifiers = egui::Modifiers::default();
            self.put(egui::Event::PointerButton { pos, button: egui::PointerButton::Primary, pressed, modifiers });
        }
        // Nothing stays under the pointer.
        self.put(egui::Event::PointerMoved(egui::pos2(2.0, 2.0)));
    }
}

/// A button, a field, a slider.
#[derive(Debug)]
pub(crate) struct Thing {
    pub(crate) role: egui::accesskit::Role,
    pub(crate) name: String,
    pub(crate) rect: egui::Rect,
    pub(crate) has_keyboard: bool,
}

const FRAMES_LEAST: usize = 120;
const PATIENCE_NS: i64 = 10_000_000_000;

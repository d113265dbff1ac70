use bevy::prelude::*;
use bevy_egui::{EguiContext, EguiContextSettings, EguiOutput, PrimaryEguiContext, egui, input::EguiInputEvent};

/// A window whose panels are found and touched as people do: by their names, with a pointer.
pub(crate) trait Window {
    fn world(&mut self) -> &mut World;

    /// One picture is drawn.
    fn frame(&mut self);

    /// Where something of this name stands: a button's words, or what a screen reader calls it.
    fn find(&mut self, name: &str) -> Option<egui::Rect> {
        let world = self.world();
        let mut contexts = world.query_filtered::<(&mut EguiContext, &EguiOutput), With<PrimaryEguiContext>>();
        let (mut context, output) = contexts.single_mut(world).unwrap();
        // Names are collected from now on.
        context.get_mut().enable_accesskit();
        let update = output.platform_output.accesskit_update.as_ref()?;
        let node = update.nodes.iter().find(|(_, node)| node.label() == Some(name) && !node.is_disabled()).map(|(_, node)| node)?;
        node.bounds().map(|at| egui::Rect::from_min_max(egui::pos2(at.x0 as f32, at.y0 as f32), egui::pos2(at.x1 as f32, at.y1 as f32)))
    }

    /// Everything that has a name, for whoever reads why a test failed.
    fn names(&mut self) -> Vec<String> {
        let world = self.world();
        let output = world.query_filtered::<&EguiOutput, With<PrimaryEguiContext>>().single(world).unwrap();
        let nodes = output.platform_output.accesskit_update.iter().flat_map(|update| &update.nodes);
        nodes.filter_map(|(_, node)| node.label().map(str::to_owned)).collect()
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
        for _ in 0..FRAMES_MOST {
            let now = self.find(name);
            if now.is_some() && now == before {
                break;
            }
            before = now;
            self.frame();
        }
        let Some(rect) = before else { panic!("there is no “{name}”; there are {:?}", self.names()) };
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

const FRAMES_MOST: usize = 120;

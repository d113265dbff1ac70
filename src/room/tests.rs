//! Rules of the room, with several theaters in one process.

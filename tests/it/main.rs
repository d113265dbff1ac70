//! One integration binary: each module is one promise-keeper of the house.

mod film;
mod house;
mod journey;
mod shaders;
mod source;
mod support;

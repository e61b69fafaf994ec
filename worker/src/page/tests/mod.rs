//! The engine on real Chromium, with the simulator as its page. Needs the binary of `colmeia-simulator` beside
//! this test's target directory, or in `COLMEIA_SIMULATOR`; wa-js from `vendor-js` for the renamed modules.

mod calls;
mod events;
mod identity;
mod life;
mod limits;
mod operations;
mod passkey;
mod rig;
mod screen;
mod trouble;
mod workers;

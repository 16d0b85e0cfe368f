//! The OpenAI dialect: chat completions and legacy completions, plain and streamed.

mod assemble;
mod choice;
mod fault;
mod reading;
mod response;
#[cfg(test)]
mod tests;

pub use assemble::{Assembly, assemble};
pub use fault::{AssemblyFault, Kind, Problem, Want};
pub use reading::{Arrival, Chunk, DONE, Reading};

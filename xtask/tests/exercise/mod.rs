//! Exercise 1: every stage of a learner's work gets its own answer, and the README tells the truth.

mod learner;
mod readme;
mod stages;

use learner::{Answer, Learner, SOLUTION, STARTER, root};

//! The order in which the pieces of an answer go out, and their gaps.

use crate::mock::answer::{Answer, Call, Choice};
use crate::mock::house::House;
use crate::units::Nanos;

/// One piece of a choice.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece<'a> {
    Open,
    Thought(&'a str),
    /// A token of the text, and its place in it.
    Text(&'a str, usize),
    /// A call begins; its index.
    Call(&'a Call, usize),
    /// A token of a call's arguments; the call's index.
    Arguments(&'a str, usize),
    Close,
    /// The engine failed; nothing follows.
    Failure,
}

/// A piece, whose it is, and its gap to the piece before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    pub(super) after: Nanos,
    pub(super) index: usize,
    pub(super) choice: &'a Choice,
    pub(super) piece: Piece<'a>,
}

fn pieces(choice: &Choice) -> Vec<Piece<'_>> {
    let mut pieces: Vec<Piece<'_>> =
        choice.reasoning.iter().map(|token| Piece::Thought(token)).collect();
    let text = choice.text.iter().flatten().enumerate();
    pieces.extend(text.map(|(at, token)| Piece::Text(token, at)));
    for (index, call) in choice.calls.iter().enumerate() {
        pieces.push(Piece::Call(call, index));
        pieces.extend(call.arguments.iter().map(|token| Piece::Arguments(token, index)));
    }
    pieces
}

/// How many steps in time an answer takes: its choices advance together.
pub(super) fn steps(answer: &Answer) -> usize {
    answer.choices.iter().map(|choice| pieces(choice).len()).max().unwrap_or(0)
}

/// Everything that goes out, in order. `opens` says whether a choice opens with its role.
///
/// The first token comes at the time to first token, right behind the roles; the choices advance
/// side by side, one token each in the time of one.
pub(super) fn schedule<'a>(answer: &'a Answer, house: &House, opens: bool) -> Vec<Step<'a>> {
    let (ttft, itl) = (house.config.ttft, house.config.itl);
    let choices: Vec<(&Choice, Vec<Piece<'a>>)> =
        answer.choices.iter().map(|choice| (choice, pieces(choice))).collect();
    let mut steps = Vec::new();
    let mut due = ttft;
    let mut said = 0;
    let mut push = |due: &mut Nanos, index, choice, piece| {
        steps.push(Step { after: std::mem::take(due), index, choice, piece });
    };
    if opens {
        for (index, (choice, _)) in choices.iter().enumerate() {
            push(&mut due, index, *choice, Piece::Open);
        }
    }
    let longest = choices.iter().map(|(_, pieces)| pieces.len()).max().unwrap_or(0);
    for at in 0..=longest {
        for (index, (choice, pieces)) in choices.iter().enumerate() {
            if let Some(piece) = pieces.get(at) {
                if answer.fail_after == Some(said) {
                    push(&mut due, index, choice, Piece::Failure);
                    return steps;
                }
                push(&mut due, index, choice, *piece);
                said += 1;
            }
            if at + 1 == pieces.len() || (pieces.is_empty() && at == 0) {
                if answer.fail_after == Some(said) {
                    push(&mut due, index, choice, Piece::Failure);
                    return steps;
                }
                push(&mut due, index, choice, Piece::Close);
            }
        }
        if at + 1 < longest {
            due = itl;
        }
    }
    steps
}

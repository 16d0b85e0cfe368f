//! What a server keeps between requests: responses, files and batches.

mod batch;

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::{Value, json};

use super::render::EPOCH;
use crate::units::Nanos;

pub(crate) use batch::{Batch, Line};

/// Things of a kind that are kept; the oldest go first.
const KEPT_MAX: usize = 1024;

/// What a server keeps between requests.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    responses: VecDeque<Stored>,
    files: VecDeque<File>,
    batches: VecDeque<Batch>,
}

/// A response that can be asked for again.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) body: Value,
    /// What its request brought.
    pub(crate) input: Vec<Value>,
    /// The conversation up to it, its own output included.
    pub(crate) context: Vec<Value>,
}

/// A file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) id: String,
    /// The request that made it.
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) purpose: String,
    pub(crate) bytes: Bytes,
}

impl File {
    /// As the API shows it.
    pub(crate) fn object(&self) -> Value {
        json!({
            "id": self.id,
            "object": "file",
            "bytes": self.bytes.len(),
            "created_at": EPOCH + self.number,
            "expires_at": null,
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed",
            "status_details": null,
        })
    }
}

fn keep<T>(list: &mut VecDeque<T>, thing: T) {
    if list.len() == KEPT_MAX {
        list.pop_front();
    }
    list.push_back(thing);
}

impl Archive {
    pub(crate) fn keep_response(&mut self, stored: Stored) {
        keep(&mut self.responses, stored);
    }

    pub(crate) fn response(&self, id: &str) -> Option<&Stored> {
        self.responses.iter().find(|stored| stored.id == id)
    }

    /// The conversation up to a response.
    pub(crate) fn context(&self, id: &str) -> Option<Vec<Value>> {
        self.response(id).map(|stored| stored.context.clone())
    }

    /// Whether there was one to forget.
    pub(crate) fn forget_response(&mut self, id: &str) -> bool {
        let before = self.responses.len();
        self.responses.retain(|stored| stored.id != id);
        self.responses.len() < before
    }

    pub(crate) fn keep_file(&mut self, file: File) {
        keep(&mut self.files, file);
    }

    /// Newest first.
    pub(crate) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter().rev()
    }

    pub(crate) fn file(&self, id: &str) -> Option<&File> {
        self.files.iter().find(|file| file.id == id)
    }

    pub(crate) fn forget_file(&mut self, id: &str) -> bool {
        let before = self.files.len();
        self.files.retain(|file| file.id != id);
        self.files.len() < before
    }

    pub(crate) fn keep_batch(&mut self, batch: Batch) {
        keep(&mut self.batches, batch);
    }

    /// Newest first.
    pub(crate) fn batches(&self) -> impl Iterator<Item = &Batch> {
        self.batches.iter().rev()
    }

    pub(crate) fn batch(&self, id: &str) -> Option<&Batch> {
        self.batches.iter().find(|batch| batch.id == id)
    }

    pub(crate) fn batch_mut(&mut self, id: &str) -> Option<&mut Batch> {
        self.batches.iter_mut().find(|batch| batch.id == id)
    }

    /// Files the results of batches that are over by now.
    pub(crate) fn settle(&mut self, now: Nanos) {
        let files: Vec<File> =
            self.batches.iter_mut().flat_map(|batch| batch.results(now)).collect();
        for file in files {
            self.keep_file(file);
        }
    }
}

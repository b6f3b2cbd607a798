//! The elements of an XML document.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::decode::{Failure, ROWS_PER_CHECK, check_deadline};

/// The limit of elements within elements.
const DEEPEST: usize = 200;

/// A document. Elements are in the order of the text, and refer to each other by index.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) elements: Vec<Element>,
}

/// An element with its own text.
#[derive(Debug, Default)]
pub(super) struct Element {
    /// The name without a prefix.
    pub(super) name: Box<str>,
    pub(super) attributes: Vec<(Box<str>, Box<str>)>,
    pub(super) text: String,
    pub(super) children: Vec<usize>,
    pub(super) parent: Option<usize>,
}

impl Tree {
    /// Reads a document. Entities of its own are refused, so that a small text stays small.
    ///
    /// # Errors
    /// When the text is not XML, or too deep.
    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        let mut reader = Reader::from_str(text);
        let mut tree = Self::default();
        let mut open: Vec<usize> = Vec::new();
        for count in 0_usize.. {
            if count.is_multiple_of(ROWS_PER_CHECK) {
                check_deadline()?;
            }
            let event = reader.read_event();
            let failure =
                |what: &dyn std::fmt::Display| not_xml(text, reader.error_position(), what);
            match event.map_err(|error| failure(&error))? {
                Event::Start(start) => {
                    let at = tree.add(&start, open.last().copied(), &failure)?;
                    open.push(at);
                    if open.len() > DEEPEST {
                        return Err(Failure::limit(format!(
                            "more than {DEEPEST} elements within each other; fetch another document"
                        )));
                    }
                }
                Event::Empty(start) => {
                    tree.add(&start, open.last().copied(), &failure)?;
                }
                Event::End(_) => drop(open.pop()),
                Event::Text(piece) => tree.push_text(&open, &piece.xml10_content()),
                Event::CData(piece) => tree.push_text(&open, &piece.xml10_content()),
                Event::GeneralRef(reference) => {
                    let name: &str = &reference;
                    let char = reference.resolve_char_ref();
                    let char = char.map_err(|error| failure(&error))?.map(String::from);
                    let known = resolve_predefined_entity(name).map(str::to_owned);
                    let Some(piece) = char.or(known) else {
                        return Err(failure(&format!("the entity `{name}` is not replaced")));
                    };
                    tree.push_text(&open, &piece);
                }
                Event::Eof => break,
                Event::Comment(_) | Event::PI(_) | Event::Decl(_) | Event::DocType(_) => (),
            }
        }
        match (tree.elements.is_empty(), open.is_empty()) {
            (false, true) => Ok(tree),
            (true, _) => Err(not_xml(text, 0, &"there is no element")),
            (_, false) => Err(not_xml(
                text,
                text.len() as u64,
                &"the text ends within an element",
            )),
        }
    }

    fn add(
        &mut self,
        start: &BytesStart<'_>,
        parent: Option<usize>,
        failure: &dyn Fn(&dyn std::fmt::Display) -> Failure,
    ) -> Result<usize, Failure> {
        let mut attributes = Vec::new();
        // Its check for duplicates compares each with each.
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| failure(&error))?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|error| failure(&error))?;
            attributes.push((attribute.key.local_name().as_ref().into(), value.into()));
        }
        let at = self.elements.len();
        self.elements.push(Element {
            name: start.local_name().as_ref().into(),
            attributes,
            parent,
            ..Element::default()
        });
        if let Some(parent) = parent.and_then(|parent| self.elements.get_mut(parent)) {
            parent.children.push(at);
        }
        Ok(at)
    }

    fn push_text(&mut self, open: &[usize], piece: &str) {
        let element = open.last().and_then(|at| self.elements.get_mut(*at));
        if let Some(element) = element {
            element.text.push_str(piece);
        }
    }
}

/// The failure at a byte of the text.
fn not_xml(text: &str, position: u64, what: &dyn std::fmt::Display) -> Failure {
    let before = usize::try_from(position).ok();
    let before = before.and_then(|end| text.as_bytes().get(..end));
    let line = before.unwrap_or_default().iter();
    let line = line.filter(|byte| **byte == b'\n').count() + 1;
    let begin = crate::decode::shown(text.trim_start());
    Failure::decode(format!(
        "line {line}: not XML: {what}; the text begins with `{begin}`"
    ))
}

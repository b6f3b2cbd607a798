//! XML: a path of elements selects the rows, and columns are elements and attributes within each.

mod path;
mod tree;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::OneOrNamed;
use crate::decode::decoder::{Decoder, FormatKeys};
use crate::decode::text::utf8;
use crate::decode::{Cell, Failure, Limits, Part, PartInfo, Parts, Table, TableBuilder, Wanted};
use exporter_kit::Number;
use path::ElementPath;
use tree::Tree;

/// The result set of rows without a name.
const ROWS: &str = "rows";
/// The column of the text of a row's element.
const TEXT: &str = "value";
/// The column of the name of a row's element.
const KEY: &str = "key";
/// The column of a row's place among the children of its parent.
const INDEX: &str = "index";

/// Options of the format.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct XmlFormat {
    /// The path of the rows, such as `/status/pool` or `//pool`. A map of paths makes several result sets, which
    /// metrics select by `from`. Without it, the outermost element is the only row.
    #[serde(default)]
    rows: Option<OneOrNamed<ElementPath>>,
}

/// A column: elements to go up, elements to go down, and an attribute.
#[derive(Debug)]
struct XmlColumn {
    name: Box<str>,
    up: usize,
    /// The name of a child, an attribute or a property of the row.
    is_plain: bool,
    down: ElementPath,
    attribute: Option<Box<str>>,
}

#[derive(Debug)]
struct XmlPart {
    name: Box<str>,
    rows: ElementPath,
    columns: Vec<XmlColumn>,
}

impl FormatKeys for XmlFormat {
    fn parts(&self) -> Parts {
        let names = self.rows.as_ref().and_then(OneOrNamed::names);
        let list: Vec<_> = match names {
            Some(names) => names.map(PartInfo::open).collect(),
            None => vec![PartInfo::open(ROWS)],
        };
        Parts {
            first_is_default: list.len() == 1,
            list,
        }
    }

    fn check_column(&self, column: &str) -> Result<(), String> {
        XmlColumn::parse(column).map(drop)
    }

    fn decoder(&self, wanted: Wanted, limits: Limits) -> Decoder {
        let part = |name: &str, rows: ElementPath| XmlPart {
            name: name.into(),
            rows,
            // Columns were checked before.
            columns: wanted
                .of(name)
                .iter()
                .filter_map(|column| XmlColumn::parse(column).ok())
                .collect(),
        };
        let parts: Vec<XmlPart> = match &self.rows {
            None => ElementPath::parse("/*")
                .map(|rows| part(ROWS, rows))
                .into_iter()
                .collect(),
            Some(rows) => rows
                .iter(ROWS)
                .map(|(name, rows)| part(name, rows.clone()))
                .collect(),
        };
        Decoder::new(move |bytes| {
            let tree = Tree::read(utf8(bytes)?)?;
            let parts = parts.iter();
            Ok(parts
                .map(|part| Part::rows(&part.name, part.table(&tree, limits)))
                .collect())
        })
    }
}

impl XmlColumn {
    /// # Errors
    /// The mistake in it.
    fn parse(text: &str) -> Result<Self, String> {
        let inner = text.trim_start_matches('^');
        let (down, attribute) = match inner.split_once('@') {
            Some((down, attribute)) => (down.strip_suffix('/').unwrap_or(down), Some(attribute)),
            None => (inner, None),
        };
        let is_name = |name: &str| !name.is_empty() && !name.contains(['/', '@', '[']);
        if attribute.is_some_and(|attribute| !is_name(attribute)) || inner.is_empty() {
            return Err(format!(
                "`{text}` is not a column; write an element such as `pool/active`, or an attribute such as `pool/@name`"
            ));
        }
        Ok(Self {
            name: text.into(),
            up: text.len() - inner.len(),
            is_plain: is_name(inner),
            down: ElementPath::parse(down)?,
            attribute: attribute.map(Into::into),
        })
    }

    /// The cell of an element; `None` if it lacks the column.
    fn cell(&self, tree: &Tree, at: usize) -> Option<Cell> {
        let mut found = self.down.select(tree, Some(at));
        if found.is_empty() && self.is_plain {
            return self.own(tree, at);
        }
        if let Some(attribute) = &self.attribute {
            found.retain(|at| attribute_of(tree, *at, attribute).is_some());
        }
        match (&*found, &self.attribute) {
            ([], _) => None,
            ([only], Some(attribute)) => attribute_of(tree, *only, attribute).map(cell),
            ([only], None) => tree.elements.get(*only).map(|element| cell(&element.text)),
            _ => Some(Cell::Unreadable(
                format!(
                    "the column `{}` selects several elements of one row; select one, or select them in `rows`",
                    self.name
                )
                .into(),
            )),
        }
    }

    /// An attribute, the text, the name or the place of an element.
    fn own(&self, tree: &Tree, at: usize) -> Option<Cell> {
        let name = self.name.trim_start_matches('^');
        let element = tree.elements.get(at)?;
        if let Some(value) = attribute_of(tree, at, name) {
            return Some(cell(value));
        }
        match name {
            TEXT => Some(cell(&element.text)),
            KEY => Some(Cell::text(&*element.name)),
            INDEX => {
                let parent = element.parent.and_then(|parent| tree.elements.get(parent));
                let index = parent.and_then(|it| it.children.binary_search(&at).ok());
                Some(Cell::Number(Number::U64(index.unwrap_or(0) as u64)))
            }
            _ => None,
        }
    }
}

impl XmlPart {
    fn table(&self, tree: &Tree, limits: Limits) -> Result<Table, Failure> {
        let names = self.columns.iter().map(|column| column.name.clone());
        let mut builder = TableBuilder::new(names, limits);
        let mut present = vec![false; self.columns.len()];
        // Rows beside each other have the same parent, whose columns are looked up once.
        let mut last: Vec<Option<(usize, Option<Cell>)>> = vec![None; self.columns.len()];
        let rows = self.rows.select(tree, None);
        for row in &rows {
            let mut cells = Vec::with_capacity(self.columns.len());
            for ((column, present), last) in self.columns.iter().zip(&mut present).zip(&mut last) {
                let mut at = Some(*row);
                for _ in 0..column.up {
                    at = at.and_then(|at| tree.elements.get(at)?.parent);
                }
                let found = match (at, &*last) {
                    (None, _) => None,
                    (Some(at), Some((known, cell))) if *known == at => cell.clone(),
                    (Some(at), _) => {
                        let found = column.cell(tree, at);
                        *last = Some((at, found.clone()));
                        found
                    }
                };
                *present |= found.is_some();
                cells.push(found.unwrap_or(Cell::Null));
            }
            builder.push(cells)?;
        }
        let mut table = builder.build();
        if let Some(first) = rows.first().and_then(|row| tree.elements.get(*row)) {
            let children = first.children.iter();
            let children = children.filter_map(|at| Some(tree.elements.get(*at)?.name.clone()));
            let attributes = first.attributes.iter().map(|(name, _)| name.clone());
            let mut known: Vec<Box<str>> = attributes.chain(children).collect();
            known.sort_unstable();
            known.dedup();
            table.set_known_columns(known);
            table.set_absent(present.iter().map(|present| !present).collect());
        }
        Ok(table)
    }
}

fn attribute_of<'t>(tree: &'t Tree, at: usize, name: &str) -> Option<&'t str> {
    let mut attributes = tree.elements.get(at)?.attributes.iter();
    let found = attributes.find(|(attribute, _)| **attribute == *name);
    found.map(|(_, value)| &**value)
}

fn cell(text: &str) -> Cell {
    match text.trim() {
        "" => Cell::Null,
        text => Cell::text(text),
    }
}

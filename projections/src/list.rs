//! Pages of lists: filtered, in an order, by keyset, and counted; many lists in one statement.

mod flow_filter;
mod keys;
mod places;

use std::hash::Hash;

pub(crate) use self::flow_filter::FlowFilter;
pub(crate) use self::keys::KeyRange;
pub(crate) use self::places::{Places, on_topics};
use crate::database::{FromRow, Row, Statement, Value};

use crate::error::ReadModelError;
use crate::model::ReadModel;

/// The most lists that are asked for at once; SQLite takes 500 parts in a statement.
pub const MOST_LISTS: usize = 100;

/// Which part of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Paging<S> {
    /// The place of the row before the first one wanted; none for the start of the list.
    pub after: Option<Place>,
    /// The place of the row behind the last one wanted; none for the end of the list.
    pub before: Option<Place>,
    /// How many rows at most; the caller bounds it.
    pub limit: u32,
    /// Of the rows between, the last instead of the first, in the same order.
    pub last: bool,
    pub order: Order<S>,
}

/// The order of a list. Rows that are equal in it stand in the order of their keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Order<S> {
    pub by: S,
    pub descending: bool,
}

/// The place of a row in a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// What the list is sorted by; none where it is sorted by the key.
    pub sorted: Option<Sorted>,
    pub key: String,
}

/// A value that a list is sorted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sorted {
    Integer(i64),
    Text(String),
}

/// Rows of a list, and whether more follow; with the last ones, whether more come before them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    pub more: bool,
}

impl<T> Page<T> {
    /// A page of a list that has no rows.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            rows: Vec::new(),
            more: false,
        }
    }
}

/// What a list can be sorted by.
pub trait Sort: Copy + Default + Eq + Hash + Send + Sync + 'static {
    /// The column, which has a value in every row; none for the key.
    fn column(self) -> Option<&'static str>;
}

/// A list that is sorted by nothing but its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ByKey;

impl Sort for ByKey {
    fn column(self) -> Option<&'static str> {
        None
    }
}

/// A row of a list.
pub trait Listed: Clone + Send + Sync + 'static {
    type Sort: Sort;

    /// What tells it from the others.
    fn key(&self) -> String;

    /// Its value in the column that the list is sorted by; none for the key.
    fn sorted(&self, by: Self::Sort) -> Option<Sorted>;

    /// Its place in a list of that order.
    fn place(&self, order: Order<Self::Sort>) -> Place {
        Place {
            sorted: self.sorted(order.by),
            key: self.key(),
        }
    }
}

/// Chooses the rows of a list.
pub trait Filter: Select + Clone + Eq + Hash + Send + Sync + 'static {}

impl<F: Select + Clone + Eq + Hash + Send + Sync + 'static> Filter for F {}

/// How a filter chooses.
pub trait Select {
    type Row: Listed + FromRow;

    /// The column of the keys.
    const KEY: &'static str;

    /// All rows that there are to choose from, without order or end: conditions can be added.
    fn rows(&self) -> Statement;

    /// Adds the conditions, but for what [`Select::keys`] says.
    ///
    /// # Errors
    /// The filter cannot be written as a statement.
    fn choose(&self, rows: Statement) -> Result<Statement, ReadModelError>;

    /// Keys outside of which there are no rows.
    fn keys(&self) -> KeyRange {
        KeyRange::default()
    }

    /// What chooses the rows that are left out.
    fn not(&self) -> Option<&Self> {
        None
    }
}

/// What the rows of a filter's list can be sorted by.
pub type SortOf<F> = <<F as Select>::Row as Listed>::Sort;

impl<S: Default> Paging<S> {
    /// The first rows in the order of the list's keys.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self {
            after: None,
            before: None,
            limit,
            last: false,
            order: Order::default(),
        }
    }
}

impl ReadModel {
    /// A page of a list.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn page<F: Filter>(
        &self,
        filter: &F,
        paging: &Paging<SortOf<F>>,
    ) -> Result<Page<F::Row>, ReadModelError> {
        let asked = [(filter.clone(), paging.clone())];
        let page = self.pages(&asked).await?.pop();
        page.ok_or_else(|| ReadModelError::Row("a list is missing".into()))
    }

    /// A page of each of those lists, at most [`MOST_LISTS`], all of the same moment.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn pages<F: Filter>(
        &self,
        asked: &[(F, Paging<SortOf<F>>)],
    ) -> Result<Vec<Page<F::Row>>, ReadModelError> {
        let statements = asked.iter().map(|(filter, paging)| part(filter, paging));
        let mut lists: Vec<Vec<F::Row>> = asked.iter().map(|_| Vec::new()).collect();
        for mut row in self.in_one(statements.collect::<Result<_, _>>()?).await? {
            let list = list_of(&mut row, &mut lists)?;
            list.push(F::Row::from_row(&mut row)?);
        }
        let pages = lists.into_iter().zip(asked).map(|(mut rows, (_, paging))| {
            // The parts of a statement come in no order that a database promises.
            rows.sort_by_cached_key(|row| row.place(paging.order));
            if paging.order.descending {
                rows.reverse();
            }
            let limit = paging.limit as usize;
            let over = rows.len().saturating_sub(limit);
            if paging.last {
                rows.drain(..over);
            } else {
                rows.truncate(limit);
            }
            Page {
                rows,
                more: over > 0,
            }
        });
        Ok(pages.collect())
    }

    /// How many rows each of those lists has, at most [`MOST_LISTS`] lists.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn counts<F: Filter>(&self, filters: &[F]) -> Result<Vec<u64>, ReadModelError> {
        let statements = filters.iter().map(|filter| {
            let chosen = chosen(filter, filter.rows(), filter.keys())?;
            Ok::<_, ReadModelError>(chosen.inside("SELECT count(*) FROM (", ") AS counted"))
        });
        let mut counts = vec![0; filters.len()];
        for mut row in self.in_one(statements.collect::<Result<_, _>>()?).await? {
            let count = list_of(&mut row, &mut counts)?;
            *count = row.take()?;
        }
        Ok(counts)
    }

    /// What the statements answer, each row with the number of its statement in front.
    pub(crate) async fn in_one(
        &self,
        statements: Vec<Statement>,
    ) -> Result<Vec<Row>, ReadModelError> {
        if statements.is_empty() {
            return Ok(Vec::new());
        }
        let mut answers = self.answers(vec![Statement::union(statements)]).await?;
        Ok(answers.pop().unwrap_or_default())
    }
}

/// The statement of one page.
fn part<F: Filter>(filter: &F, paging: &Paging<SortOf<F>>) -> Result<Statement, ReadModelError> {
    let Order { by, descending } = paging.order;
    let key = F::KEY;
    let mut keys = filter.keys();
    let mut bounds = Vec::new();
    for (place, follows) in [(&paging.after, true), (&paging.before, false)] {
        let Some(place) = place else {
            continue;
        };
        // Whether what is wanted has greater values than that place.
        let greater = follows != descending;
        match by.column() {
            None if greater => keys.begin_after(&place.key),
            None => keys.end_before(&place.key),
            Some(column) => bounds.push((column, if greater { ">" } else { "<" }, place)),
        }
    }
    let mut select = chosen(filter, filter.rows(), keys)?;
    for (column, than, place) in bounds {
        let sorted = place.sorted.clone().map_or(Value::Text(None), Value::from);
        select = select
            .add(&format!(" AND ({column}, {key}) {than} (?"), sorted)
            .add(", ?)", place.key.as_str());
    }
    // The last ones are the first from the other end.
    let direction = if descending == paging.last {
        "ASC"
    } else {
        "DESC"
    };
    let select = match by.column() {
        None => select.then(&format!(" ORDER BY {key} {direction}")),
        Some(column) => select.then(&format!(
            " ORDER BY {column} {direction}, {key} {direction}"
        )),
    };
    // One row more than wanted, to know whether more follow.
    Ok(select.add(" LIMIT ?", i64::from(paging.limit) + 1))
}

/// The rows that a filter chooses, of those with such keys.
fn chosen<F: Select>(
    filter: &F,
    rows: Statement,
    keys: KeyRange,
) -> Result<Statement, ReadModelError> {
    let key = F::KEY;
    let rows = filter
        .choose(rows)?
        .add_if(&format!(" AND {key} > ?"), keys.after)
        .add_if(&format!(" AND {key} < ?"), keys.before);
    match filter.not() {
        None => Ok(rows),
        Some(not) => {
            // What a condition says of an absent value is neither true nor false.
            let rows = chosen(not, rows.then(" AND (true"), not.keys())?;
            Ok(rows.then(") IS NOT TRUE"))
        }
    }
}

/// The list that a row belongs to by the number in front of it.
pub(crate) fn list_of<'l, L>(
    row: &mut Row,
    lists: &'l mut [L],
) -> Result<&'l mut L, ReadModelError> {
    let number: i64 = row.take()?;
    let list = usize::try_from(number).ok().and_then(|n| lists.get_mut(n));
    list.ok_or_else(|| ReadModelError::Row("a row belongs to no list".into()))
}

impl From<Sorted> for Value {
    fn from(sorted: Sorted) -> Self {
        match sorted {
            Sorted::Integer(integer) => integer.into(),
            Sorted::Text(text) => text.into(),
        }
    }
}

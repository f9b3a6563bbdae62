//! What is different about one thing between two moments.

pub(crate) mod fields;

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use domain::Thing;
use projections::event::EventFilter;
use serde_json::{Value, json};

use crate::as_of::{self, AsOf};
use crate::control::principal;
use crate::error::{Code, fault, invalid};
use crate::event::list::{EventList, EventPage, Span, list, thing};
use crate::id::GlobalId;
use crate::node::{self, Node};
use crate::scalar::{Json, Position};
use crate::schema::Schema;
use crate::view::View;

pub struct NodeDiff {
    of: Thing,
    span: Span,
    before: Option<Node>,
    after: Option<Node>,
    fields: Vec<FieldDiff>,
}

/// A field that differs.
#[derive(SimpleObject)]
pub struct FieldDiff {
    /// Its name in this schema.
    pub name: String,
    /// The earlier value; null also if the thing did not exist.
    pub before: Option<Json<Value>>,
    /// The later value; null also if the thing no longer exists.
    pub after: Option<Json<Value>>,
}

#[derive(Default)]
pub struct DiffQuery;

#[Object]
impl DiffQuery {
    /// How an organization, an algorithm, a version, a broker, a topic, a grant, a listener or a
    /// publisher differs between two moments; the second is the present by default.
    async fn diff(
        &self,
        ctx: &Context<'_>,
        of: ID,
        from: AsOf,
        to: Option<AsOf>,
    ) -> Option<Result<NodeDiff>> {
        Some(diff(ctx, of, from, to).await)
    }
}

/// What is different about one thing between two moments.
#[Object]
impl NodeDiff {
    /// The position of the earlier moment.
    async fn from(&self) -> Position {
        Position(self.span.after)
    }

    /// The position of the later moment.
    async fn to(&self) -> Position {
        Position(self.span.until)
    }

    /// The thing at the earlier moment; null if it did not exist.
    async fn before(&self) -> Option<&Node> {
        self.before.as_ref()
    }

    /// The thing at the later moment; null if it no longer exists.
    async fn after(&self) -> Option<&Node> {
        self.after.as_ref()
    }

    /// Its own fields that differ, by name. Fields that have ids of their own, and fields that are
    /// not derived from the log, are left out.
    async fn fields(&self) -> &[FieldDiff] {
        &self.fields
    }

    /// What happened to it in between, oldest first.
    async fn events(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<Position>,
        last: Option<i32>,
        before: Option<Position>,
    ) -> Option<Result<EventList>> {
        let filter = EventFilter {
            of: Some(self.of.clone()),
            ..EventFilter::default()
        };
        let page = EventPage {
            first,
            after,
            last,
            before,
            ..EventPage::default()
        };
        Some(list(ctx, filter, self.span, page).await)
    }
}

async fn diff(ctx: &Context<'_>, of: ID, from: AsOf, to: Option<AsOf>) -> Result<NodeDiff> {
    let what = GlobalId::decode(&of);
    let selected = what.and_then(|what| Some((fields::of(&what)?, what)));
    let Some(((kind, selection), what)) = selected else {
        return Err(invalid("this is not the id of anything that changes"));
    };
    let span = Span {
        after: as_of::position(ctx, from).await?,
        until: match to {
            Some(to) => as_of::position(ctx, to).await?,
            None => View::live(ctx).model().position(),
        },
    };
    if span.after > span.until {
        return Err(invalid("from is later than to"));
    }
    let at = async |position| {
        let view = View::at_position(ctx, position).await?;
        node::row(&view, what.clone()).await
    };
    Ok(NodeDiff {
        before: at(span.after).await?,
        after: at(span.until).await?,
        fields: compare(ctx, &of, span, kind, selection).await?,
        of: thing(&of)?,
        span,
    })
}

/// Asks the schema itself for both moments, so that fields are what clients see.
async fn compare(
    ctx: &Context<'_>,
    of: &ID,
    span: Span,
    kind: &str,
    selection: &str,
) -> Result<Vec<FieldDiff>> {
    let document = format!(
        "query($id: ID!, $from: AsOf!, $to: AsOf!) {{ \
         before: node(id: $id, asOf: $from) {{ ... on {kind} {{ {selection} }} }} \
         after: node(id: $id, asOf: $to) {{ ... on {kind} {{ {selection} }} }} }}"
    );
    let variables = json!({ "id": of, "from": moment(span.after), "to": moment(span.until) });
    let schema = ctx.data_unchecked::<Schema>();
    let answer = schema.execute_json(&document, variables, principal(ctx).clone());
    let answer = answer
        .await
        .map_err(|cause| fault(Code::Unavailable, &cause))?;
    let (before, after) = (&answer["before"], &answer["after"]);
    let some = before.as_object().or(after.as_object());
    let names = some.into_iter().flat_map(|node| node.keys());
    let value = |value: &Value| (!value.is_null()).then(|| Json(value.clone()));
    let differ = names.filter(|name| before[name.as_str()] != after[name.as_str()]);
    Ok(differ
        .map(|name| FieldDiff {
            name: name.clone(),
            before: value(&before[name.as_str()]),
            after: value(&after[name.as_str()]),
        })
        .collect())
}

/// A moment as an argument: before the first event there is no position to name.
fn moment(position: domain::Position) -> Value {
    if position.0 == 0 {
        return json!({ "time": jiff::Timestamp::MIN.to_string() });
    }
    json!({ "position": position.to_string() })
}

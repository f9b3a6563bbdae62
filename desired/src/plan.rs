//! What changes, shown or applied.

use std::io::{Read, Write};
use std::path::PathBuf;

use client::Client;
use uuid::Uuid;

use crate::actual::Cluster;
use crate::apply::Apply;
use crate::change::Change;
use crate::difference::difference;
use crate::failure::Failure;
use crate::problem::{Problem, topics};
use crate::removal::Prune;
use crate::state::State;
use crate::wanted::{self, input};

/// What is wanted, and how much of it may be done.
#[derive(Debug)]
pub struct Options {
    /// Files with YAML documents; `-` is standard input.
    pub files: Vec<PathBuf>,
    pub prune: Prune,
    /// Enable listeners and publishers even where messages would then go in circles.
    pub allow_cycles: bool,
}

/// Standard input and output.
pub struct Console<'a> {
    pub input: &'a mut (dyn Read + Send),
    pub output: &'a mut (dyn Write + Send),
    /// Notes and warnings.
    pub notes: &'a mut (dyn Write + Send),
}

/// Writes what the cluster holds.
///
/// # Errors
/// The server does not answer, or the output is closed.
pub async fn export(client: &Client, console: &mut Console<'_>) -> Result<(), Failure> {
    let cluster = Cluster::read(client).await?;
    let text = wanted::to_yaml(&cluster.actual.state)?;
    Ok(console.output.write_all(text.as_bytes())?)
}

/// Prints what would change. Returns whether that is anything.
///
/// # Errors
/// The documents are wrong or cannot be applied, or the server does not answer.
pub async fn diff(
    client: &Client,
    options: &Options,
    console: &mut Console<'_>,
) -> Result<bool, Failure> {
    let plan = Plan::make(client, options, console).await?;
    for change in &plan.changes {
        writeln!(console.output, "{change}")?;
    }
    writeln!(console.output, "{}", plan.summary())?;
    Ok(!plan.changes.is_empty())
}

/// Makes the cluster hold what the documents say, one change after the other. The names of its
/// idempotency keys begin with `run`.
///
/// # Errors
/// The documents are wrong or cannot be applied, they would remove too much, or a change is
/// refused. What was changed before that stays.
pub async fn apply(
    client: &Client,
    options: &Options,
    run: Uuid,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let plan = Plan::make(client, options, console).await?;
    let removable = plan.cluster.actual.state.removable();
    options.prune.check(plan.removals(), removable)?;
    let (summary, all) = (plan.summary(), plan.count());
    let mut apply = Apply::new(client, plan.cluster, run, options.allow_cycles);
    let mut done = 0;
    for change in &plan.changes {
        let made = apply.make(change).await;
        let warnings = made.map_err(|source| Failure::Stopped {
            done,
            all,
            change: change.to_string(),
            source,
        })?;
        done += change.count();
        writeln!(console.output, "{change}")?;
        for warning in warnings {
            writeln!(console.notes, "warning: {warning}")?;
        }
    }
    Ok(writeln!(console.output, "{summary}")?)
}

/// What the cluster holds, and what is to change.
struct Plan {
    cluster: Cluster,
    changes: Vec<Change>,
}

impl Plan {
    async fn make(
        client: &Client,
        options: &Options,
        console: &mut Console<'_>,
    ) -> Result<Self, Failure> {
        let desired = input::read(&options.files, console.input)?;
        let mut cluster = Cluster::read(client).await?;
        let changes = difference(&desired, &cluster.actual, options.prune.removes());
        let changes = changes.map_err(Failure::Unreachable)?;
        let missing = missing_topics(&desired, &mut cluster, client).await?;
        if !missing.is_empty() {
            return Err(Failure::Unreachable(missing));
        }
        let plan = Self { cluster, changes };
        if options.prune.removes() {
            plan.warn(&desired, console)?;
        }
        Ok(plan)
    }

    /// Says what pruning covers.
    fn warn(&self, desired: &State, console: &mut Console<'_>) -> std::io::Result<()> {
        let removals = self.removals();
        if removals > 0 {
            writeln!(
                console.notes,
                "note: pruning covers the whole cluster: {removals} of {} things are in no document \
                 and will be removed",
                self.cluster.actual.state.removable()
            )?;
        }
        let named = &desired.organizations;
        let present = self.cluster.actual.state.organizations.keys();
        for name in present.filter(|name| !named.contains_key(*name)) {
            writeln!(
                console.notes,
                "note: organization {name} is in no document and stays as it is"
            )?;
        }
        Ok(())
    }

    fn count(&self) -> usize {
        self.changes.iter().map(Change::count).sum()
    }

    fn removals(&self) -> usize {
        let removals = self.changes.iter().filter(|change| change.removes());
        removals.map(Change::count).sum()
    }

    fn summary(&self) -> String {
        let plural = |count| if count == 1 { "" } else { "s" };
        let (changes, removals) = (self.count(), self.removals());
        if changes == 0 {
            return "no changes".to_owned();
        }
        format!(
            "{changes} change{} ({removals} removal{})",
            plural(changes),
            plural(removals)
        )
    }
}

/// The topics that a broker is known not to have. Those of a broker that is yet to be connected
/// are looked up then.
async fn missing_topics(
    desired: &State,
    cluster: &mut Cluster,
    client: &Client,
) -> Result<Vec<Problem>, Failure> {
    let mut missing = Vec::new();
    for (broker, topic, by) in topics(desired) {
        if cluster.ids.brokers.contains_key(&broker)
            && cluster.topic(client, &broker, &topic).await?.is_none()
        {
            missing.push(Problem::NoTopic { by, broker, topic });
        }
    }
    Ok(missing)
}

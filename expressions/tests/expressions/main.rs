//! Expressions through their public door.

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod given;
#[cfg(test)]
mod json;
#[cfg(test)]
mod language;
#[cfg(test)]
mod model_servers;
#[cfg(test)]
mod problems;

//! Files for programs that cannot open the ones which every bundle has; written where a person asks for them.
//!
//! `cli/export` and `api/admin/exports` read them by name into a [`super::Wish`]; `run/also` writes them.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// A further file of the observations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Also {
    /// For Google Earth and the like.
    Kmz,
    /// For GPS devices.
    Gpx,
    /// For older map programs.
    Shapefile,
}

impl Also {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Kmz, Self::Gpx, Self::Shapefile];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kmz => "kmz",
            Self::Gpx => "gpx",
            Self::Shapefile => "shapefile",
        }
    }

    /// Where it lies in the bundle.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Kmz => "data/observations.kmz",
            Self::Gpx => "data/observations.gpx",
            Self::Shapefile => "data/shapefile/observations.shp",
        }
    }
}

impl fmt::Display for Also {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that none of them has.
#[derive(Debug, thiserror::Error)]
#[error("there is no further file \"{0}\"; choose among kmz, gpx and shapefile")]
pub struct UnknownAlso(String);

impl FromStr for Also {
    type Err = UnknownAlso;

    fn from_str(name: &str) -> Result<Self, UnknownAlso> {
        Self::ALL.into_iter().find(|also| also.name() == name).ok_or_else(|| UnknownAlso(name.to_owned()))
    }
}

//! The order as reconciliation asks for it: what a span comes to, where to cut it, which keys are in it.

use std::cell::RefCell;
use std::ops::{Bound, ControlFlow};
use std::rc::Rc;

use maloca_protocol::RevisionId;
use maloca_protocol::fingerprint::{Fingerprint, FingerprintKey};
use maloca_protocol::reconcile::{Edge, Key, Piece, SortedSet, Span};

use super::{Bucket, Item, Sum, is_whole};
use crate::store::codec;
use crate::store::rows::Row as _;
use crate::store::view::ViewExt as _;
use crate::store::{Damage, StoreError, T, View};

/// The order as it was when this was made. Holds the sums of all buckets, a byte for each kept revision, and one bucket's revisions.
pub struct Ordered<'v, V> {
    view: &'v V,
    key: FingerprintKey,
    /// The buckets' keys.
    buckets: Vec<Key>,
    /// What is before each of them; and all, at the end.
    before: Vec<Fingerprint>,
    /// The bucket that was read last: pieces that follow one another often meet in it.
    last: RefCell<Option<(usize, Rc<Vec<Item>>)>>,
    /// The edge that was looked at last: a piece begins where the one before it ends.
    edge: RefCell<Option<(Edge, Fingerprint)>>,
}

impl<'v, V: View> Ordered<'v, V> {
    /// The order; `None` where it does not hold exactly what is kept.
    ///
    /// # Errors
    /// Where the disk fails or a row is damaged.
    pub fn of(view: &'v V, key: &FingerprintKey) -> Result<Option<Self>, StoreError> {
        if !is_whole(view)? {
            return Ok(None);
        }
        let (mut buckets, mut before, mut all) = (Vec::new(), vec![Fingerprint::default()], Fingerprint::default());
        view.scan(T::OrderedSums, (Bound::Unbounded, Bound::Unbounded), false, &mut |key, payload| {
            let damaged = || Damage::Form { table: T::OrderedSums.name(), key: codec::hex(key) };
            buckets.push(Key(key.try_into().map_err(|_| damaged())?));
            all.join(&Sum::decode(payload).ok_or_else(damaged)?.0);
            before.push(all);
            Ok(ControlFlow::Continue(()))
        })?;
        let (last, edge) = (RefCell::default(), RefCell::default());
        Ok(Some(Self { view, key: key.clone(), buckets, before, last, edge }))
    }

    /// The whole id of a kept revision.
    ///
    /// # Errors
    /// Where the disk fails or a row is damaged.
    pub fn find(&self, key: &Key) -> Result<Option<RevisionId>, StoreError> {
        if self.buckets.is_empty() {
            return Ok(None);
        }
        let items = self.items(self.bucket(key))?;
        Ok(items.binary_search_by_key(key, Item::key).ok().map(|at| items[at].id()))
    }

    /// The bucket to which a key belongs.
    fn bucket(&self, key: &Key) -> usize {
        self.buckets.partition_point(|bucket| bucket <= key).saturating_sub(1)
    }

    fn items(&self, bucket: usize) -> Result<Rc<Vec<Item>>, StoreError> {
        if let Some((_, items)) = self.last.borrow().as_ref().filter(|(last, _)| *last == bucket) {
            return Ok(Rc::clone(items));
        }
        let key = &self.buckets[bucket].0;
        let Bucket(items) = self.view.row(T::Ordered, key)?.unwrap_or_default();
        if items.len() as u64 != self.before[bucket + 1].count - self.before[bucket].count {
            return Err(Damage::Form { table: T::Ordered.name(), key: codec::hex(key) }.into());
        }
        let items = Rc::new(items);
        *self.last.borrow_mut() = Some((bucket, Rc::clone(&items)));
        Ok(items)
    }

    /// What is before the revision at a place of a bucket.
    fn up_to(&self, bucket: usize, items: &[Item]) -> Fingerprint {
        let mut sum = self.before[bucket];
        items.iter().for_each(|item| sum.add(&self.key, &item.id()));
        sum
    }

    /// What is before an edge.
    fn before(&self, edge: Edge) -> Result<Fingerprint, StoreError> {
        if let Some((_, sum)) = self.edge.borrow().as_ref().filter(|(last, _)| *last == edge) {
            return Ok(*sum);
        }
        let sum = match edge {
            Edge::Before(key) if !self.buckets.is_empty() => {
                let bucket = self.bucket(&key);
                if self.buckets[bucket] == key {
                    self.before[bucket]
                } else {
                    let items = self.items(bucket)?;
                    self.up_to(bucket, &items[..items.partition_point(|item| item.key() < key)])
                }
            }
            _ => self.before[self.buckets.len()],
        };
        *self.edge.borrow_mut() = Some((edge, sum));
        Ok(sum)
    }

    /// The edge before the revision that has so many before it, and what these come to.
    fn edge_at(&self, rank: u64) -> Result<(Key, Fingerprint), StoreError> {
        let bucket = self.before.partition_point(|before| before.count <= rank) - 1;
        let at = (rank - self.before[bucket].count) as usize;
        if at == 0 {
            return Ok((self.buckets[bucket], self.before[bucket]));
        }
        let items = self.items(bucket)?;
        Ok((Key::between(&items[at - 1].key(), &items[at].key()), self.up_to(bucket, &items[..at])))
    }
}

impl<V: View> SortedSet for Ordered<'_, V> {
    type Error = StoreError;

    fn fingerprint(&self, span: &Span) -> Result<Fingerprint, StoreError> {
        let from = self.before(Edge::Before(span.from))?;
        Ok(self.before(span.to)?.without(&from))
    }

    fn cut(&self, span: &Span, parts: usize) -> Result<Vec<Piece>, StoreError> {
        let (mut sum, end) = (self.before(Edge::Before(span.from))?, self.before(span.to)?);
        let (first, count) = (sum.count, end.count - sum.count);
        let parts = (parts as u64).min(count).max(1);
        let mut pieces = Vec::with_capacity(parts as usize);
        let mut from = span.from;
        for part in 1..parts {
            let (edge, before) = self.edge_at(first + count * part / parts)?;
            pieces.push(Piece { span: Span { from, to: Edge::Before(edge) }, fingerprint: before.without(&sum) });
            (from, sum) = (edge, before);
        }
        pieces.push(Piece { span: Span { from, ..*span }, fingerprint: end.without(&sum) });
        Ok(pieces)
    }

    fn keys(&self, span: &Span, limit: usize) -> Result<Vec<Key>, StoreError> {
        let mut keys = Vec::new();
        for bucket in self.bucket(&span.from)..self.buckets.len() {
            if keys.len() == limit || Edge::Before(self.buckets[bucket]) >= span.to {
                break;
            }
            let items = self.items(bucket)?;
            let inside = items.iter().map(Item::key).filter(|key| span.contains(key));
            keys.extend(inside.take(limit - keys.len()));
        }
        Ok(keys)
    }
}

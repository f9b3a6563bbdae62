//! The loads of a request, which run when the request waits for nothing but them: by then
//! everything that can be loaded together has asked.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::task::AtomicWaker;
use futures_util::{Stream, StreamExt};

type Load = BoxFuture<'static, ()>;

/// Loads that are to run once their request is idle. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Gathering(Arc<Mutex<Vec<Load>>>);

impl Gathering {
    /// Has `load` run once the request is idle.
    pub(crate) fn add(&self, load: Load) {
        self.loads().push(load);
    }

    /// `request`, with the loads that it adds here.
    pub(crate) fn run<F: Future>(&self, request: F) -> impl Future<Output = F::Output> + use<F> {
        let mut running = Running::new(self.clone());
        let mut request = Box::pin(request);
        std::future::poll_fn(move |cx| running.poll(cx, |cx| request.as_mut().poll(cx)))
    }

    /// `items`, with the loads that they add here.
    pub(crate) fn run_stream<S: Stream + Unpin>(
        &self,
        mut items: S,
    ) -> impl Stream<Item = S::Item> + use<S> {
        let mut running = Running::new(self.clone());
        futures_util::stream::poll_fn(move |cx| running.poll(cx, |cx| items.poll_next_unpin(cx)))
    }

    fn take(&self) -> Vec<Load> {
        std::mem::take(&mut *self.loads())
    }

    fn loads(&self) -> std::sync::MutexGuard<'_, Vec<Load>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The loads of a request beside it.
struct Running {
    gathering: Gathering,
    loads: FuturesUnordered<Load>,
    wakes: Arc<Wakes>,
    /// Of `wakes`.
    waker: Waker,
}

/// Wakes the task of a request, and knows that it did.
#[derive(Default)]
struct Wakes {
    woken: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        self.task.wake();
    }
}

impl Running {
    fn new(gathering: Gathering) -> Self {
        let wakes = Arc::new(Wakes::default());
        Self {
            gathering,
            loads: FuturesUnordered::new(),
            waker: Waker::from(Arc::clone(&wakes)),
            wakes,
        }
    }

    /// Polls the request, and where it is idle, the loads that it has gathered.
    fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        request: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.wakes.task.register(cx.waker());
        self.poll_loads(cx);
        self.wakes.woken.store(false, Ordering::SeqCst);
        if let Poll::Ready(done) = request(&mut Context::from_waker(&self.waker)) {
            return Poll::Ready(done);
        }
        // One that woke itself is not idle: a set of many futures does so every 32 polls. The task
        // is awake as well and comes here again.
        if !self.wakes.woken.load(Ordering::SeqCst) {
            self.loads.extend(self.gathering.take());
            self.poll_loads(cx);
        }
        Poll::Pending
    }

    /// A load that ends wakes those who asked for it, and so this task.
    fn poll_loads(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some(())) = Pin::new(&mut self.loads).poll_next(cx) {}
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::dataloader::{DataLoader, Loader};
    use futures_util::future::join_all;
    use std::collections::HashMap;
    use std::convert::Infallible;

    use super::*;

    /// Doubles numbers, and remembers how many at once.
    #[derive(Clone, Default)]
    struct Doubles(Arc<Mutex<Vec<usize>>>);

    impl Loader<u32> for Doubles {
        type Value = u32;
        type Error = Infallible;

        async fn load(&self, keys: &[u32]) -> Result<HashMap<u32, u32>, Infallible> {
            tokio::task::yield_now().await;
            self.0.lock().unwrap().push(keys.len());
            Ok(keys.iter().map(|key| (*key, key * 2)).collect())
        }
    }

    impl Doubles {
        fn loader(&self, gathering: &Gathering) -> DataLoader<Self> {
            crate::loaders::loader(self.clone(), gathering)
        }

        fn batches(&self) -> Vec<usize> {
            self.0.lock().unwrap().clone()
        }
    }

    #[tokio::test]
    async fn what_many_ask_for_is_loaded_once_however_many_they_are() {
        let (doubles, gathering) = (Doubles::default(), Gathering::default());
        let loader = doubles.loader(&gathering);
        let ask = async |key| {
            let once = loader.load_one(key).await.unwrap().unwrap();
            loader.load_one(once + 1000).await.unwrap().unwrap()
        };
        let answers = gathering.run(join_all((0..500).map(ask))).await;
        assert_eq!(answers[7], 2 * (7 * 2 + 1000));
        assert_eq!(doubles.batches(), [500, 500]);
    }

    #[tokio::test]
    async fn loads_do_not_wait_for_what_else_the_request_waits_for() {
        let (doubles, gathering) = (Doubles::default(), Gathering::default());
        let loader = doubles.loader(&gathering);
        let (loaded, wait) = tokio::sync::oneshot::channel();
        let load = async {
            let four = loader.load_one(2).await.unwrap();
            loaded.send(four).unwrap();
        };
        let ((), waited) = gathering
            .run(async { tokio::join!(load, async { wait.await.unwrap() }) })
            .await;
        assert_eq!(waited, Some(4));
    }

    #[tokio::test]
    async fn the_items_of_a_stream_load_too() {
        let (doubles, gathering) = (Doubles::default(), Gathering::default());
        let loader = Arc::new(doubles.loader(&gathering));
        let items = futures_util::stream::iter([1, 2]).then(move |key| {
            let loader = Arc::clone(&loader);
            async move { loader.load_one(key).await.unwrap().unwrap() }
        });
        let items: Vec<u32> = gathering.run_stream(Box::pin(items)).collect().await;
        assert_eq!(items, [2, 4]);
        assert_eq!(doubles.batches(), [1, 1]);
    }
}

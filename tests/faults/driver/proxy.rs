//! A TCP proxy between one node and the store: what a network does.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Pass,
    /// Connections break, and none is made.
    Cut,
    /// Nothing arrives until it is over; then everything does.
    Hang,
    Delay(Duration),
}

#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Where new connections lead.
    target: u16,
    mode: Mode,
    /// How often all connections were broken.
    broken: u64,
}

/// One address that leads wherever it is told. Connections that are open stay where they are.
pub struct Proxy {
    pub port: u16,
    plan: watch::Sender<Plan>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub async fn start(target: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let plan = watch::Sender::new(Plan { target, mode: Mode::Pass, broken: 0 });
        let told = plan.subscribe();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, told.clone()));
            }
        });
        Ok(Self { port, plan, task })
    }

    pub fn mode(&self, mode: Mode) {
        self.plan.send_modify(|plan| plan.mode = mode);
    }

    /// Leads new connections there, as a virtual address does that moves.
    pub fn lead(&self, target: u16) {
        self.plan.send_modify(|plan| plan.target = target);
    }

    /// Breaks all connections.
    pub fn break_all(&self) {
        self.plan.send_modify(|plan| plan.broken += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.break_all();
    }
}

async fn serve(client: TcpStream, mut plan: watch::Receiver<Plan>) {
    let begun = *plan.borrow_and_update();
    if begun.mode == Mode::Cut {
        return;
    }
    let mut until = plan.clone();
    let broken = until.wait_for(|plan| plan.broken != begun.broken || plan.mode == Mode::Cut);
    let carry = async {
        if plan.wait_for(|plan| plan.mode != Mode::Hang).await.is_err() {
            return;
        }
        let target = plan.borrow().target;
        let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else { return };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::select! {
            () = copy(from_client, to_server, plan.clone()) => {}
            () = copy(from_server, to_client, plan.clone()) => {}
        }
    };
    tokio::select! {
        _ = broken => {}
        () = carry => {}
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut plan: watch::Receiver<Plan>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let mode = plan.borrow().mode;
        if let Mode::Delay(delay) = mode {
            tokio::time::sleep(delay).await;
        }
        if plan.wait_for(|plan| plan.mode != Mode::Hang).await.is_err() {
            return;
        }
        let Some(bytes) = buffer.get(..read) else { return };
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

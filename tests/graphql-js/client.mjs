// Usage: node client.mjs CASE. The standard client, graphql-ws over ws, against a server.
// The URL of the API comes on stdin, a line each time that it moves. What the client meets is
// printed, a line of JSON each. It ends with stdin.

import { createInterface } from 'node:readline';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const EVENTS = 'subscription Events($after: Position) { events(after: $after) { position type } }';

/** As many as a socket may have. */
const MOST_SUBSCRIPTIONS = 50;

/** More messages than a socket may send at once. */
const FLOOD = 150;

/** The API's URL of now. */
let url;
const lines = createInterface({ input: process.stdin });
const known = new Promise((resolve) => {
  lines.on('line', (line) => {
    url = line.replace(/^http/, 'ws').replace(/\/graphql$/, '/graphql/ws');
    resolve();
  });
});
lines.on('close', () => process.exit());

const tell = (what) => console.log(JSON.stringify(what));

/** A client that tells of its connections; between two attempts it lets others go first. */
function client(options = {}) {
  return createClient({
    url: () => url,
    webSocketImpl: WebSocket,
    retryAttempts: Number.MAX_SAFE_INTEGER,
    shouldRetry: () => true,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 20)),
    ...options,
    on: {
      connected: () => tell({ connected: true }),
      closed: ({ code }) => tell({ closed: code }),
    },
  });
}

/** Follows the events after a position, and goes on behind the last one when connected again. */
function follow(client, name, after = '0') {
  const variables = { after };
  const sink = {
    next: ({ data: { events } }) => {
      variables.after = events.position;
      tell({ name, position: Number(events.position), type: events.type });
    },
    error: (error) => {
      const refused = Array.isArray(error) ? { refused: error } : { fatal: error.code ?? String(error) };
      tell({ name, ...refused });
    },
    complete: () => tell({ name, complete: true }),
  };
  return client.subscribe({ query: EVENTS, variables }, sink);
}

/** The socket of a client that does not keep to the protocol. */
const faulty = {
  // A message that is none.
  4400: class extends WebSocket {
    send(text, ...rest) {
      super.send(JSON.parse(text).type === 'subscribe' ? '{"type":"start"}' : text, ...rest);
    }
  },
  // A subscription in place of the first message.
  4401: class extends WebSocket {
    send(text, ...rest) {
      const subscribe = { id: '1', type: 'subscribe', payload: { query: EVENTS } };
      super.send(text.includes('connection_init') ? JSON.stringify(subscribe) : text, ...rest);
    }
  },
  // The protocol that came before.
  4406: class extends WebSocket {
    constructor(address) {
      super(address, 'graphql-ws');
    }
  },
};

/** Sends more than it may with the first subscription, and then no more. */
class Flooding extends WebSocket {
  static done = false;

  send(text, ...rest) {
    super.send(text, ...rest);
    if (Flooding.done || JSON.parse(text).type !== 'subscribe') return;
    Flooding.done = true;
    for (let number = 0; number < FLOOD; number += 1) super.send('{"type":"ping"}');
  }
}

const cases = {
  follow: () => follow(client(), 'events'),
  many: () => {
    const one = client();
    for (let number = 0; number <= MOST_SUBSCRIPTIONS; number += 1) follow(one, number);
  },
  flood: () => follow(client({ webSocketImpl: Flooding }), 'events'),
  4400: () => follow(client({ webSocketImpl: faulty[4400] }), 'events'),
  4401: () => follow(client({ webSocketImpl: faulty[4401] }), 'events'),
  4406: () => follow(client({ webSocketImpl: faulty[4406] }), 'events'),
  4409: () => {
    const one = client({ generateID: () => 'the-same' });
    follow(one, 'first');
    follow(one, 'second');
  },
};

await known;
cases[process.argv[2]]();

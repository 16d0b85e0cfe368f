// Asks real clients what the lenses predict.
//
//   node drive.mjs CLIENT < plan.jsonl > seen.jsonl
//
// One item a line: {"id", "base_url", "api_key", "body", …}; `body` is the request to send. One answer
// a line, in the order of finishing: what the client handed to its caller, or raised.

import { createInterface } from 'node:readline';

import { clients } from './clients.mjs';

// An item that has said nothing by then hangs: a caller with no timeout of its own would wait on.
const PATIENCE_MS = Number(process.env.CLIENT_TIMEOUT_S ?? 8) * 1000;
const AT_ONCE = 16;

// Clients log what they raise; stdout is for answers.
for (const level of ['log', 'info', 'warn', 'error', 'debug']) console[level] = () => {};
globalThis.AI_SDK_LOG_WARNINGS = false;
// A promise that nobody awaited is no news here.
process.on('unhandledRejection', () => {});

const TIMEOUTS = ['APIConnectionTimeoutError', 'TimeoutError'];

const name = process.argv[2];
const client = clients[name];
if (client === undefined) {
  process.stderr.write(`no client ${name}; there are ${Object.keys(clients).join(', ')}\n`);
  process.exit(2);
}

// Ids that openai-node and the AI SDK invent where the answer has none; the mock's look different.
const MADE_UP = /^(call_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9A-Za-z]{16})$/;

/** The name of an exception as its catcher would see it. */
function classOf(error) {
  if (!(error instanceof Error) && typeof error?.name !== 'string') return typeof error;
  const own = error.constructor?.name;
  return error.name && error.name !== 'Error' ? error.name : (own ?? 'Error');
}

async function ask(item) {
  // Filled while the answer arrives, so what came before an exception is not lost.
  const answer = { text: null, reasoning: null, tool_calls: [], finish_reason: null, usage: null };
  let timer;
  const patience = new Promise((resolve) => {
    timer = setTimeout(() => resolve('hangs'), PATIENCE_MS);
  });
  let outcome;
  let raised = {};
  try {
    outcome = await Promise.race([client(item, answer).then((said) => said ?? 'returns'), patience]);
    if (typeof outcome === 'object') {
      raised = outcome;
      outcome = 'raises';
    }
  } catch (error) {
    // A client that gives up waiting by itself hangs as well, only not for ever.
    outcome = TIMEOUTS.includes(classOf(error)) ? 'hangs' : 'raises';
    raised = { exception: classOf(error), message: String(error?.message ?? error) };
  } finally {
    clearTimeout(timer);
  }
  for (const call of [answer, ...(answer.others ?? [])].flatMap(({ tool_calls }) => tool_calls)) {
    if (MADE_UP.test(call.id)) call.id = '(made up by the client)';
  }
  // Written at once: a hanging item may still fill its answer.
  return JSON.stringify({ id: item.id, outcome, ...raised, ...answer });
}

const items = [];
for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() !== '') items.push(JSON.parse(line));
}
let next = 0;
async function worker() {
  while (next < items.length) {
    const item = items[next++];
    process.stdout.write(`${await ask(item)}\n`);
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, worker));
// Sockets of hanging items must not keep the process alive.
process.stdout.write('', () => process.exit(0));

// The client surfaces, each as its documentation shows it, with retries off.
//
// A client is `async (item, answer) => outcome`: it fills `answer` as things arrive, throws what the
// client throws, and returns nothing, or `{exception, message}` where the client reports an error
// without throwing it.

import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, jsonSchema, streamText, tool } from 'ai';
import OpenAI from 'openai';

const TIMEOUT_MS = 5000;

function openai(item) {
  return new OpenAI({
    baseURL: item.base_url,
    apiKey: item.api_key ?? 'none',
    maxRetries: 0,
    timeout: TIMEOUT_MS,
  });
}

const list = (value) => (Array.isArray(value) ? value : []);
const object = (value) => (typeof value === 'object' && value !== null ? value : {});
const text = (value) => (typeof value === 'string' ? value : null);

function takeUsage(usage) {
  if (typeof usage !== 'object' || usage === null || Array.isArray(usage)) return null;
  const { prompt_tokens = null, completion_tokens = null, total_tokens = null } = usage;
  return { prompt_tokens, completion_tokens, total_tokens };
}

function takeReasoning(message) {
  return text(message.reasoning_content) ?? text(message.reasoning);
}

/** A completion's properties as a caller reads them. */
function takeCompletion(completion, answer) {
  const [first, ...others] = list(object(completion).choices).map((value) => {
    const choice = object(value);
    const message = object(choice.message);
    return {
      text: text(message.content),
      reasoning: takeReasoning(message),
      tool_calls: list(message.tool_calls).map((call) => ({
        id: text(object(call).id),
        name: text(object(object(call).function).name),
        arguments: object(object(call).function).arguments ?? null,
      })),
      finish_reason: text(choice.finish_reason),
    };
  });
  Object.assign(answer, first, { others, usage: takeUsage(object(completion).usage) });
}

/**
 * The chunks of a stream as a careful caller joins them: choices by `index`, text added up, a call's
 * id and name from the first fragment that has them, its arguments added up by the call's `index`.
 */
class Joined {
  choices = new Map();

  add(chunk, answer) {
    answer.usage = takeUsage(object(chunk).usage) ?? answer.usage;
    for (const choice of list(object(chunk).choices)) {
      if (typeof choice !== 'object' || choice === null || Array.isArray(choice)) continue;
      const key = JSON.stringify(choice.index ?? null);
      if (!this.choices.has(key)) {
        this.choices.set(key, { text: null, reasoning: null, tool_calls: [], finish_reason: null });
      }
      this.join(choice, this.choices.get(key));
    }
    const { 0: first, ...others } = this.inOrder();
    Object.assign(answer, first, { others: Object.values(others) });
  }

  inOrder() {
    const choices = [...this.choices];
    const first = choices.filter(([key]) => key === '0');
    return [...first, ...choices.filter(([key]) => key !== '0')].map(([, choice]) => choice);
  }

  join(choice, into) {
    into.finish_reason = text(choice.finish_reason) ?? into.finish_reason;
    const delta = object(choice.delta);
    const more = text(delta.content);
    if (more !== null) into.text = (into.text ?? '') + more;
    const thought = takeReasoning(delta);
    if (thought !== null) into.reasoning = (into.reasoning ?? '') + thought;
    for (const part of list(delta.tool_calls)) {
      if (typeof part !== 'object' || part === null || Array.isArray(part)) continue;
      const key = JSON.stringify(part.index ?? null);
      let call = into.tool_calls.find((known) => known.key() === key);
      if (call === undefined) {
        call = { id: null, name: null, arguments: null, key: () => key };
        into.tool_calls.push(call);
      }
      const fn = object(part.function);
      call.id ??= text(part.id);
      call.name ??= text(fn.name);
      const both = typeof fn.arguments === 'string' && typeof call.arguments === 'string';
      if (both) call.arguments += fn.arguments;
      else call.arguments = fn.arguments ?? call.arguments;
    }
  }
}

/** `create()`; a stream is iterated. */
async function openaiNode(item, answer) {
  const result = await openai(item).chat.completions.create(item.body);
  if (!item.body.stream) return takeCompletion(result, answer);
  const joined = new Joined();
  for await (const chunk of result) joined.add(chunk, answer);
}

/** `.stream()` and `finalChatCompletion()`. */
async function openaiNodeStream(item, answer) {
  const stream = openai(item).chat.completions.stream(item.body);
  stream.on('content', (_delta, snapshot) => {
    answer.text = text(snapshot);
  });
  takeCompletion(await stream.finalChatCompletion(), answer);
}

const call = (item) => ({
  id: text(item.call_id),
  name: text(item.name),
  arguments: item.arguments ?? null,
});

function takeResponseUsage(usage) {
  if (typeof usage !== 'object' || usage === null || Array.isArray(usage)) return null;
  const { input_tokens = null, output_tokens = null, total_tokens = null } = usage;
  return { prompt_tokens: input_tokens, completion_tokens: output_tokens, total_tokens };
}

/** The events of a response, joined as the package's guide does. */
class Events {
  calls = new Map();

  add(value, answer) {
    const event = object(value);
    const index = JSON.stringify(event.output_index ?? null);
    const more = text(event.delta);
    switch (event.type) {
      case 'response.output_text.delta':
        if (more !== null) answer.text = (answer.text ?? '') + more;
        break;
      case 'response.output_item.added':
        if (object(event.item).type === 'function_call') {
          this.calls.delete(index);
          this.calls.set(index, call(event.item));
        }
        break;
      case 'response.function_call_arguments.delta': {
        const known = this.calls.get(index);
        if (known === undefined || more === null) break;
        known.arguments = typeof known.arguments === 'string' ? known.arguments + more : more;
        break;
      }
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
        if ((event.response ?? null) === null) break;
        answer.finish_reason = text(object(event.response).status);
        answer.usage = takeResponseUsage(object(event.response).usage);
        break;
      case 'error':
        answer.finish_reason = 'error';
        break;
      default:
    }
    answer.tool_calls = [...this.calls.values()];
  }
}

/** `responses.create()`; a stream is iterated. */
async function openaiNodeResponses(item, answer) {
  const said = await openai(item).responses.create(item.body);
  if (item.body.stream) {
    const events = new Events();
    for await (const event of said) events.add(event, answer);
    return;
  }
  const calls = list(said.output).filter((one) => object(one).type === 'function_call');
  answer.text = text(said.output_text);
  answer.tool_calls = calls.map(call);
  answer.finish_reason = text(said.status);
  answer.usage = takeResponseUsage(said.usage);
}

function toolChoice(choice) {
  if (choice === undefined) return {};
  if (typeof choice === 'string') return { toolChoice: choice };
  return { toolChoice: { type: 'tool', toolName: choice.function.name } };
}

const compatible = (item) =>
  createOpenAICompatible({
    name: 'proofhouse',
    baseURL: item.base_url,
    apiKey: item.api_key ?? 'none',
    includeUsage: true,
    transformRequestBody: () => item.body,
  })(item.body.model);

const ownProvider = (item) =>
  createOpenAI({
    baseURL: item.base_url,
    apiKey: item.api_key ?? 'none',
    fetch: (url, init) => fetch(url, { ...init, body: JSON.stringify(item.body) }),
  }).chat(item.body.model);

/** The prompt of an OpenAI request as the AI SDK takes it; the request itself is sent as it stands. */
function settings(item, model) {
  const tools = Object.fromEntries(
    (item.body.tools ?? []).map(({ function: { name, description, parameters } }) => [
      name,
      tool({ description, inputSchema: jsonSchema(parameters ?? { type: 'object' }) }),
    ]),
  );
  return {
    model: model(item),
    prompt: 'as the request says',
    maxRetries: 0,
    ...(Object.keys(tools).length > 0 ? { tools, ...toolChoice(item.body.tool_choice) } : {}),
  };
}

function takeAiUsage(usage) {
  if (usage?.inputTokens === undefined && usage?.outputTokens === undefined) return null;
  return {
    prompt_tokens: usage.inputTokens ?? null,
    completion_tokens: usage.outputTokens ?? null,
    total_tokens: usage.totalTokens ?? null,
  };
}

function takeAiCall(call) {
  return { id: call.toolCallId, name: call.toolName, arguments: call.input };
}

/** `generateText()`, or `streamText()` read to its end. */
const aiSdk = (model) => async (item, answer) => {
  if (!item.body.stream) {
    const result = await generateText(settings(item, model));
    answer.text = result.text;
    answer.reasoning = result.reasoningText ?? null;
    answer.tool_calls = result.toolCalls.map(takeAiCall);
    answer.finish_reason = result.finishReason;
    answer.usage = takeAiUsage(result.usage);
    return undefined;
  }
  const result = streamText({ ...settings(item, model), onError: () => {} });
  let first;
  for await (const part of result.fullStream) {
    if (part.type === 'text-delta') answer.text = (answer.text ?? '') + part.text;
    if (part.type === 'reasoning-delta') answer.reasoning = (answer.reasoning ?? '') + part.text;
    if (part.type === 'tool-call') answer.tool_calls.push(takeAiCall(part));
    if (part.type === 'finish') {
      answer.finish_reason = part.finishReason;
      answer.usage = takeAiUsage(part.totalUsage);
    }
    if (part.type === 'error') first ??= { error: part.error };
  }
  if (first === undefined) return undefined;
  const { error } = first;
  const named = error instanceof Error;
  return {
    exception: named ? error.name : 'error part',
    message: String(named ? error.message : (error?.message ?? JSON.stringify(error))),
  };
};

export const clients = {
  'openai-node': openaiNode,
  'openai-node-stream': openaiNodeStream,
  'openai-node-responses': openaiNodeResponses,
  'ai-sdk': aiSdk(compatible),
  'ai-sdk-openai': aiSdk(ownProvider),
};

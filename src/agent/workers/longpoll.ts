/** GET /v1/agent/dispatch as an agent does it (agent-protocol.md §1.5, §3.5). */
import { dispatchAnswerSchema, type DispatchAnswer } from '../../api/wire/dispatch.ts';
import { decode } from '../../core/host/wire.ts';
import type { AgentParts } from '../agent-parts.ts';
import { ageProblem } from '../artifacts.ts';
import { messageOf } from '../feed.ts';
import { repeat } from './repeat.ts';

/** An idle poll that comes back sooner than this share of its wait is a fault of the server. */
const HOT_SHARE = 0.5;
/** What keeps us from spinning as a real agent would then. */
const HOT_PAUSE_MILLIS = 250;

/** Polls for dispatches without a break. */
export async function runLongPoll(parts: AgentParts): Promise<void> {
  await repeat(parts.clock, parts.signal, async () => {
    try {
      return await pollOnce(parts);
    } catch (error) {
      if (!parts.signal.aborted) {
        parts.report({ type: 'error', part: 'longpoll', message: messageOf(error) });
      }
      return parts.constants.pollErrorPause;
    }
  });
}

async function pollOnce(parts: AgentParts): Promise<number> {
  const { client, constants, clock, signal, report } = parts;
  const wait = Math.max(1, Math.round(constants.pollWait / 1000));
  const timeout = Math.max(constants.pollTimeout, wait * 1000 + (constants.pollTimeout - constants.pollWait));
  const start = clock.monotonicMillis();
  const answer = await client.get(`/v1/agent/dispatch?wait=${wait}`, { timeout, signal });
  const text = answer.body.toString('utf8').trim();
  if (answer.status === 204 || (answer.status === 200 && (text === '' || text === 'null'))) {
    const heldMillis = clock.monotonicMillis() - start;
    if (heldMillis >= wait * 1000 * HOT_SHARE) return 0;
    report({ type: 'hot-poll', heldMillis });
    return HOT_PAUSE_MILLIS;
  }
  if (answer.status !== 200) throw new Error(`dispatch answered ${answer.status}`);
  const decoded = decode(dispatchAnswerSchema, JSON.parse(text));
  if (!decoded.ok) throw new Error(`dispatch answer: ${decoded.message}`);
  return takeDispatch(parts, decoded.value);
}

async function takeDispatch(parts: AgentParts, dispatch: DispatchAnswer): Promise<number> {
  const { report, reducer, constants } = parts;
  const { rollout_id: rolloutId, target_closure: target } = dispatch;
  report({ type: 'dispatch', rolloutId, target });
  const reason = await refusalOf(parts, dispatch);
  if (reason !== undefined) {
    report({ type: 'dispatch-refused', rolloutId, reason });
    return constants.pollErrorPause;
  }
  reducer.activate(dispatch);
  return 0;
}

/** Why a dispatch is not taken, or undefined. Nobody but the log of the agent is told. */
async function refusalOf(parts: AgentParts, dispatch: DispatchAnswer): Promise<string | undefined> {
  const { machine, artifacts, constants, quirks, now } = parts;
  if (dispatch.hostname !== machine.hostname) return `it is for ${dispatch.hostname}`;
  try {
    const manifest = await artifacts.manifest(dispatch.rollout_id);
    const entry = manifest.payload.hostSet.find(({ hostname }) => hostname === machine.hostname);
    if (entry === undefined) return 'the manifest does not list this host';
    if (entry.targetClosure !== dispatch.target_closure) {
      return `the manifest says ${entry.targetClosure}, not ${dispatch.target_closure}`;
    }
    const window = quirks.fixedDispatchWindow ? constants.dispatchFreshnessWindow : constants.freshnessWindow;
    return ageProblem(manifest.signedAt, now(), window);
  } catch (error) {
    return messageOf(error);
  }
}

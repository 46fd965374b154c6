import { randomUUID } from 'node:crypto';
import { systemClock } from '../kube/clock.ts';
import { EventRecorder, type EventRecorderOptions } from '../kube/events.ts';

const CONTROLLER = 'nixfleet.dev/operator';
/** The API server takes no longer ones. */
const INSTANCE_LENGTH = 128;

/** A recorder of Events for one process, which `identity` names. */
export function createRecorder(
  options: Pick<EventRecorderOptions, 'client' | 'log' | 'metrics' | 'tracer'> & {
    readonly identity: string;
  },
): EventRecorder {
  const { identity, ...rest } = options;
  return new EventRecorder({
    ...rest,
    clock: systemClock,
    controller: CONTROLLER,
    instance: identity.slice(0, INSTANCE_LENGTH),
    uniqueSuffix: () => randomUUID().slice(0, 18).replace('-', ''),
  });
}

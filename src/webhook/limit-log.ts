import type { Clock } from '../kube/clock.ts';
import type { Logger } from '../kube/logger.ts';
import { TokenBucket } from '../kube/token-bucket.ts';

/** What is refused because of a limit, by the flag that raises it. */
const REFUSALS = {
  'max-connections': 'connections are refused because so many are open',
  'handshakes-per-second': 'connections are refused because more come than TLS handshakes are admitted',
  'enrolments-per-address': 'requests to enrol are told to wait because so many come from one address',
  'enrolments-per-second': 'requests to enrol are told to wait because so many come',
} as const;

/** A limit that a flag sets. */
export type LimitFlag = keyof typeof REFUSALS;

const ONCE_A_MINUTE = { perSecond: 1 / 60, burst: 1 };

/** Tells people which flag to raise when hosts are refused because of a limit; once a minute for each, for a flood is many. */
export class LimitLog {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #buckets = new Map<LimitFlag, TokenBucket>();

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Says that somebody at this address was refused. */
  refused(flag: LimitFlag, from: string | undefined): void {
    let bucket = this.#buckets.get(flag);
    if (bucket === undefined) this.#buckets.set(flag, (bucket = new TokenBucket(ONCE_A_MINUTE, this.#clock)));
    if (!bucket.tryTake()) return;
    this.#logger.warn({ from }, `${REFUSALS[flag]}: raise --${flag} if these are hosts of yours`);
  }
}

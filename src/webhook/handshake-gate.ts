import type { Socket } from 'node:net';
import type { Clock, Timer } from '../kube/clock.ts';
import { TokenBucket } from '../kube/token-bucket.ts';

const LOOK_EVERY_MS = 20;
const LONGEST_WAIT_SECONDS = 2;

/**
 * Lets in so many TLS handshakes per second, because each costs milliseconds of CPU and a whole fleet can come back at
 * once. Connections beyond that wait in line; the line is bounded.
 */
export class HandshakeGate {
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  readonly #max: number;
  readonly #waiting: { readonly socket: Socket; readonly start: () => void }[] = [];
  #timer: Timer | undefined;

  constructor(perSecond: number, clock: Clock) {
    this.#clock = clock;
    this.#bucket = new TokenBucket({ perSecond, burst: perSecond }, clock);
    this.#max = perSecond * LONGEST_WAIT_SECONDS;
  }

  /** Calls `start` now or when it is this connection's turn; false where the line is full. */
  admit(socket: Socket, start: () => void): boolean {
    if (this.#waiting.length === 0 && this.#bucket.tryTake()) {
      start();
      return true;
    }
    if (this.#waiting.length >= this.#max) return false;
    // Nobody else listens yet, and an unheard error would end the process.
    socket.on('error', () => undefined);
    this.#waiting.push({ socket, start });
    this.#timer ??= this.#clock.setTimer(LOOK_EVERY_MS, () => this.#look());
    return true;
  }

  /** Ends all waiting connections. */
  close(): void {
    this.#timer?.cancel();
    for (const { socket } of this.#waiting.splice(0)) socket.destroy();
  }

  #look(): void {
    this.#timer = undefined;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!next.socket.destroyed && !this.#bucket.tryTake()) break;
      this.#waiting.shift();
      if (!next.socket.destroyed) next.start();
    }
    if (this.#waiting.length > 0) this.#timer = this.#clock.setTimer(LOOK_EVERY_MS, () => this.#look());
  }
}

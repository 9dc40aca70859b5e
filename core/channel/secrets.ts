import { type Environment, required } from '../platform/configuration.ts';

/**
 * The prefix of a carrier's secrets. SECRET_PREFIX is LiveChat's; that of another carrier has its name in place of LiveChat's,
 * and the same stage.
 */
export function secretPrefix(carrier: string, environment: Environment = process.env): string {
  return replaceCarrier(required('SECRET_PREFIX', environment), carrier);
}

/** `livechat/dev` → `echo/dev` */
export function replaceCarrier(prefix: string, carrier: string): string {
  return prefix.replace(/^[^/]*/, carrier);
}

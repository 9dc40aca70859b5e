import { Hono } from 'hono';
import { parse } from '../parse.ts';
import { readJson } from '../read-json.ts';
import { type SettingsStore, viewSettings } from '../settings.ts';
import type { CallLog } from './calls.ts';
import { type Faults, viewFault } from './faults.ts';
import { faultRequest, settingsRequest } from './requests.ts';

/** How a test or an operator makes the simulator misbehave, and sees what was asked of it. */
export const controlRoutes = (faults: Faults, calls: CallLog, settings: SettingsStore): Hono => {
  const app = new Hono();

  app.post('/faults', async (c) => c.json(viewFault(faults.add(parse(faultRequest, await readJson(c.req.raw))))));
  app.get('/faults', (c) => c.json({ faults: faults.list().map(viewFault) }));
  app.delete('/faults', (c) => {
    const cleared = faults.list().length;
    faults.clear();
    return c.json({ cleared });
  });

  app.get('/calls', (c) => c.json(calls.view()));
  app.delete('/calls', (c) => {
    const cleared = calls.view().arrivals.length;
    calls.reset();
    return c.json({ cleared });
  });

  app.get('/settings', (c) => c.json(viewSettings(settings.current())));
  app.post('/settings', async (c) => {
    settings.change(parse(settingsRequest, await readJson(c.req.raw)));
    return c.json(viewSettings(settings.current()));
  });

  return app;
};

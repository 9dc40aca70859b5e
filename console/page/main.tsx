import { render } from 'preact';
import { App } from './shell/app.tsx';

const root = document.getElementById('app');
if (!root) throw new Error('index.html must have an element #app');
render(<App />, root);

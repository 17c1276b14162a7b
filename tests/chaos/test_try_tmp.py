import os, signal, time, httpx2, psutil
SPEC={"network": {"input_shape": [2], "layers": [{"type": "dense", "units": 4, "activation": "tanh"},{"type": "dense", "units": 1, "activation": "sigmoid"}]}, "dataset": {"name": "xor"}, "loss": "binary_cross_entropy", "epochs": 400000,"snapshots":{"gradients_every":1000}}
def test_x(make_stack):
    t=time.time()
    s=make_stack(lease_seconds=1.5, reaper_seconds=.2, flush_seconds=.05, checkpoint_seconds=.2)
    print("up", time.time()-t)
    c=httpx2.Client(base_url=s.http, trust_env=False)
    ids=[c.post("/v1/jobs",json=SPEC|{"seed":i}).json()["id"] for i in range(2)]
    def get(i): return c.get(f"/v1/jobs/{i}").json()
    while not all(get(i)["epoch"]>0 for i in ids): time.sleep(.02)
    w=s.pid("worker"); print(s.worker_pids())
    p=psutil.Process(w)
    t=time.time(); os.kill(w, signal.SIGTERM); p.wait(20); print("gone", time.time()-t)
    print([ (get(i)["state"],get(i)["epoch"],get(i)["attempt"], get(i)["seq"]) for i in ids])
    t=time.time()
    while not all(get(i)["state"]=="succeeded" for i in ids): time.sleep(.05)
    print([ (get(i)["state"],get(i)["epoch"],get(i)["attempt"]) for i in ids], time.time()-t)
    for i in ids:
        import sqlite3
        print([r for r in sqlite3.connect(s.data_dir/"epochal.db").execute("select seq,note,first_epoch,created_at from log where job_id=? and kind in ('state','end')",(i,))])
    print(s.log_tail(60))

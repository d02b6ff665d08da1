#!/bin/bash
# An array of runs, one for each seed. The folder of the runs comes first, arguments of fit follow:
#   sbatch configs/cluster/seeds.sh runs/ethanol --config configs/rmd17/painn.yaml
#SBATCH --array=0-4
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=1
#SBATCH --cpus-per-task=4
#SBATCH --time=24:00:00
#SBATCH --signal=USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append

export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK
srun python -m potbench fit --run_dir "${1:?the folder of the runs}/seed_$SLURM_ARRAY_TASK_ID" \
    --seed_everything "$SLURM_ARRAY_TASK_ID" --resume auto "${@:2}"
status=$?
# it was saved by SIGUSR1 before the time limit (138), or by SIGTERM to make room for another job (143)
((status == 138 || status == 143)) && scontrol requeue "$SLURM_JOB_ID"
exit $status

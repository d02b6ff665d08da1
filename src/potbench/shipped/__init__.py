"""What comes with potbench beside its code: configs, and templates of files that users write."""
